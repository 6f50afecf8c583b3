"""How far a table has come, stored in the destination beside its rows, and what was staged on the way there.

All times are microseconds since 1970 UTC: every destination has integers, and none of them rounds one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Progress:
    """What the last run that loaded a table left.

    Attributes:
        extracted_at: when that run read the source; it tells runs apart, and never goes back.
        position: where the next run reads on, in the words of the source; empty when that is not known.
    """

    extracted_at: int
    position: Mapping[str, Any] = field(default_factory=dict)

    def position_text(self) -> str:
        """The position as it is stored."""
        return json.dumps(self.position, sort_keys=True)


@dataclass(frozen=True)
class Staged:
    """Rows of one table, read from the source and not loaded yet.

    Attributes:
        table: its name.
        file: the Parquet file, an address that every worker can read.
        rows: how many the source counted, sent, and the file holds.
        rows_in_source: how many the whole table held at that moment; None where the source cannot tell.
        before: `extracted_at` of the progress on which the reading rests; None before the first run.
        after: the progress to store once the load is proven.
        whole: whether the file holds the whole table, so that what is not in it has vanished.
        method: how it was decided what to read.
        notes: why it was read in an unusual way.
    """

    table: str
    file: str
    rows: int
    rows_in_source: int | None
    before: int | None
    after: Progress
    whole: bool
    method: str
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, as an orchestrator hands them from task to task."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Staged":
        """The reverse of `to_json`."""
        return cls(**{**said, "after": Progress(**said["after"]), "notes": tuple(said["notes"])})


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(since_1970: int) -> datetime:
    """The reverse of `microseconds`."""
    return _EPOCH + timedelta(microseconds=since_1970)
