"""What leaves as text, for a terminal or a page: nothing in it steers a terminal, and all of it can be encoded."""

import re

# Control characters but tab and newline, those that turn the direction of writing, and halves of characters, as which
# Python gives the bytes of a path that is not UTF-8.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""The text with what is not printable escaped, as Python writes it: an escape character becomes "\x1b"."""
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)
