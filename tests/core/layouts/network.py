"""Downloads without a network: what the tests make `urlopen` answer."""

import io
from typing import Any

import pytest

ARCHIVE = "cifar-10-binary.tar.gz"


class Response(io.BytesIO):
    """What `urlopen` gives: the bytes of `content`, then `error` if there is one."""

    def __init__(self, content: bytes, error: BaseException | None = None, length: str | None = None):
        super().__init__(content)
        self.error = error
        self.headers = {"Content-Length": length}

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        if self.error and not chunk:
            raise self.error
        return chunk


def serve(monkeypatch: pytest.MonkeyPatch, answer: bytes | Response | BaseException) -> list[tuple[str, Any]]:
    """Makes every download get this answer; the list returned fills with the (address, timeout) of each request."""
    requests = []

    def urlopen(address: str, *, timeout: Any = None) -> Response:
        requests.append((address, timeout))
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Response) else Response(answer, length=str(len(answer)))

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return requests
