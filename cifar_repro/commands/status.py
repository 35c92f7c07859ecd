"""How a command ends: its exit status, and the line that says why it ended early."""

DONE, FAILED_CHECK, BAD_INPUT, UNDECIDED, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 130, 141


class Stop(Exception):
    """A command ends early with this line on stderr and this exit status."""

    def __init__(self, line: str, status: int):
        super().__init__(line)
        self.status = status


def describe(error: OSError) -> str:
    """What went wrong with which file."""
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
