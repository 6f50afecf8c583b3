"""What a cause of trouble is: everything that is said of it, once, for findings and for its page of the runbook."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step of a remedy.

    Attributes:
        text: what to do, as a sentence.
        command: to copy; words in capitals, such as STREAM, stand for what a finding names.
    """

    text: str
    command: str = ""


@dataclass(frozen=True)
class Cause:
    """One cause of trouble.

    Attributes:
        id: stable; the name of its page.
        title: it in a few words.
        symptoms: what people notice.
        looked_for: where doctor looks for it.
        proof: what has to be seen before it is named, and what is therefore no case of it.
        remedy: in the order in which to try.
        prevention: what keeps it from coming back.
        fix: what `--fix` does about it; empty where nothing is safe without a person.
        pages: of the documentation that say more, by their path below `docs/`, with their titles.
    """

    id: str
    title: str
    symptoms: tuple[str, ...]
    looked_for: tuple[str, ...]
    proof: str
    remedy: tuple[Step, ...]
    prevention: str
    fix: str = ""
    pages: tuple[tuple[str, str], ...] = ()

    @property
    def page(self) -> str:
        """Of the runbook, from the root of the project."""
        return f"docs/runbook/{self.id}.md"
