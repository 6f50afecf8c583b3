"""How a broken contract is reported. Finding what is broken belongs in `load` and `types`."""

from difflib import get_close_matches
from pathlib import Path


class ContractError(Exception):
    """A contract says something that cannot be used; nothing was read or written.

    Attributes:
        file: the document.
        line: its line, counted from 1; None where there is none.
        place: the path inside the document, such as `schema[0].properties[3].physicalType`.
        found: what stands there.
        allowed: what may stand there.
    """

    def __init__(self, file: Path, place: str, found: str, allowed: str, line: int | None = None) -> None:
        self.file, self.place, self.found, self.allowed, self.line = file, place, found, allowed, line
        where = f"{file}:{line}" if line else str(file)
        super().__init__(
            f"The contract {where} is broken at {place or 'its top'}.\n"
            f"  found:   {found}\n"
            f"  allowed: {allowed}\n"
            "Nothing was read or written with it. Correct the document and load it again."
        )


class TypeRefused(Exception):
    """A type that the type table does not carry, with the reason and the way out."""

    def __init__(self, physical: str, reason: str) -> None:
        self.physical, self.reason = physical, reason
        super().__init__(f"{physical}: {reason}")


def did_you_mean(word: str, words: list[str]) -> str:
    """`; did you mean X?` for the nearest of the words, or nothing."""
    near = get_close_matches(word, words, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
