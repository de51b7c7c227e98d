"""What ends a command with one clear line instead of a traceback."""


class Failure(Exception):
    """The message says what failed, where, and what was expected."""
