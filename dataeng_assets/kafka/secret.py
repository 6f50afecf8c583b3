"""A text that is not to be seen, for clients that print their settings.

Where secrets come from belongs in `security`.
"""

from typing import Self

_SHOWN = "***"


class Secret(str):
    """A text that prints as asterisks, however it is printed; its characters are its value all the same.

    kafka-python writes all its settings into the log when that takes DEBUG.
    """

    __slots__ = ()

    def __new__(cls, value: str = "") -> Self:
        """Take over a text, also one that is secret already."""
        return super().__new__(cls, value.reveal() if isinstance(value, Secret) else value)

    def __repr__(self) -> str:
        """Asterisks, or nothing when it is empty."""
        return repr(str(self))

    def __str__(self) -> str:
        """Asterisks, or nothing when it is empty."""
        return _SHOWN if self else ""

    def __format__(self, spec: str) -> str:
        """Asterisks, or nothing when it is empty."""
        return format(str(self), spec)

    def reveal(self) -> str:
        """The text itself, as a plain one."""
        return "".join(self)
