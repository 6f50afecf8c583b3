"""What a replay gives, as a value. Validating again and releasing belong to the rooms of tables and streams."""

from collections.abc import Mapping
from dataclasses import dataclass

from dataeng_assets.contracts.checks.rule import Bounds
from dataeng_assets.contracts.checks.setting_aside import refuse_too_many


@dataclass(frozen=True)
class Replayed:
    """What became of everything that lay aside when it was validated again; each row is counted once.

    Attributes:
        name: the table or stream.
        release: what the released rows carry in `_released_by`; empty when there were none.
        released: rows that keep every rule now, and stand in the table since; in a dry run, that would.
        broken: rows that still break a rule.
        by_rule: how many break each; a row may break several.
        superseded: rows whose key has got a newer good version, or is gone, since they were set aside.
        already: rows that an earlier replay released.
        version: of the table, with the rows in it; None when nothing was committed.
    """

    name: str
    release: str
    released: int
    broken: int
    by_rule: Mapping[str, int]
    superseded: int
    already: int
    version: int | None

    @property
    def validated(self) -> int:
        """Rows that were validated again."""
        return self.released + self.broken

    def refuse(self, name: str, limit: Bounds | None) -> None:
        """See, before anything is released, whether so much may still be broken.

        Raises:
            TooManyBroken: more than the limit, if there is one.
        """
        if limit:
            refuse_too_many(
                name, self.broken, self.validated, self.by_rule, limit,
                safe="Nothing was released.", next_step="Correct the rules, or allow more with --limit.",
            )  # fmt: skip
