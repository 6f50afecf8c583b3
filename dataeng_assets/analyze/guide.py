"""What a person is told about a finding outside of SQL: in code, configuration, plans, logs and recorded runs.

Rules over SQL have their texts in `rule`.
"""

from dataclasses import dataclass

from dataeng_assets.analyze.finding import Effect, Finding, Place, Severity


@dataclass(frozen=True)
class Guide:
    """The texts of one kind of finding.

    Attributes:
        id: words with hyphens; never changes.
        bad: as it should not be, for the page.
        good: as it should be.
        language: of bad and good, as Markdown names it.
    """

    id: str
    title: str
    severity: Severity
    why: str
    when_not: str
    bad: str = ""
    good: str = ""
    language: str = "python"
    effect: str = ""

    def finding(
        self,
        place: Place,
        message: str,
        evidence: tuple[str, ...] = (),
        effect: Effect | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """One finding of this kind."""
        told = effect or (Effect(self.effect) if self.effect else None)
        return Finding(self.id, severity or self.severity, place, message, self.why, evidence, told)


def whole_file(file: str) -> Place:
    """The place of what has none of its own: the beginning of its file."""
    return Place(file, 1, 1, 1, 2)
