"""As much of Ray as a study uses, in this process: a task is done when it is waited for, and all of it is pickled."""

import pickle
from collections.abc import Callable
from typing import Any


class RayError(Exception):
    """Ray itself failed."""


class RayTaskError(RayError):
    """A task failed."""


class Reference:
    """What stands for an object, or for what a task gives."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


class Ray:
    """Stands for the module. said: what it was started with, and the options of tasks."""

    class exceptions:
        RayError = RayError
        RayTaskError = RayTaskError

    def __init__(self, **resources: float) -> None:
        self.resources = resources
        self.said: list[dict[str, Any]] = []
        self.lost: set[int] = set()  # tasks, by number from 0, whose workers are lost
        self.tasks = 0

    def init(self, **options: Any) -> None:
        self.said.append(options)

    def shutdown(self) -> None:
        self.said.append({"shutdown": True})

    def nodes(self) -> list[dict[str, Any]]:
        gone = {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}}
        return [gone, {"Alive": True, "Resources": self.resources}]

    def put(self, value: Any) -> Reference:
        content = pickle.dumps(value)
        return Reference(lambda: pickle.loads(content))

    def remote(self, function: Callable[..., Any]) -> "Task":
        return Task(self, function)

    def wait(self, references: list[Reference], num_returns: int) -> tuple[list[Reference], list[Reference]]:
        """The last ones are ready first."""
        return references[-num_returns:], references[:-num_returns]

    def get(self, reference: Reference) -> Any:
        return reference.make()


class Task:
    """A function that is called on a worker."""

    def __init__(self, ray: Ray, function: Callable[..., Any]) -> None:
        self.ray, self.function = ray, function

    def options(self, **options: Any) -> "Task":
        self.ray.said.append(options)
        return self

    def remote(self, *arguments: Any) -> Reference:
        number, self.ray.tasks = self.ray.tasks, self.ray.tasks + 1
        given = [a if isinstance(a, Reference) else pickle.loads(pickle.dumps(a)) for a in arguments]

        def do() -> Any:
            if number in self.ray.lost:
                raise RayError("the worker died")
            values = [a.make() if isinstance(a, Reference) else a for a in given]
            return pickle.loads(pickle.dumps(self.function(*values)))

        return Reference(do)
