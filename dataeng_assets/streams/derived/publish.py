"""Publishing derived rows: which may appear, which were touched since, and putting both in their place.

A table of derived rows can be deleted and made again at any time. The watermark decides only when a row first appears;
what meets a published row later replaces it. What the rows are is the derivation's.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.lake.append import append, progress
from dataeng_assets.lake.attempts import until_committed
from dataeng_assets.lake.changes import ChangesGone
from dataeng_assets.lake.replace import replace_range
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.streams.derived.derivation import Derivation, Input
from dataeng_assets.streams.derived.spans import Span, merged, moment

T = TypeVar("T")


@dataclass(frozen=True)
class Report:
    """What a publication did.

    Attributes:
        version: of the table of derived rows.
        covered: version of each input, by its name, up to which every published row knows it.
        published_to: up to which time rows have appeared; None while none has.
        replaced: spans that were computed anew.
        rows: that stand in these spans now.
    """

    version: int
    covered: Mapping[str, int]
    published_to: int | None
    replaced: tuple[Span, ...]
    rows: int


@dataclass(frozen=True)
class _Names:
    """Names of progress in a table of derived rows.

    What was published under another definition is computed anew: a definition is in force as long as the last commit
    was made under it.
    """

    prefix: str
    definition: str

    @property
    def commits(self) -> str:
        return f"{self.prefix}/commits"

    @property
    def in_force(self) -> str:
        return f"{self.prefix}/{self.definition}/commits"

    @property
    def published_to(self) -> str:
        return f"{self.prefix}/{self.definition}/published_to"

    def covered(self, of: Input) -> str:
        return f"{self.prefix}/{self.definition}/{of.name}_version"


@dataclass(frozen=True)
class _Before:
    """What a table of derived rows says.

    Attributes:
        covered: None when the table was never filled, or by another definition, so that all is to be computed.
        published_to: under this definition, whatever filled the table since.
    """

    commit: int
    covered: Mapping[str, int] | None
    published_to: int | None


def publish(
    target: DeltaTable, derivation: Derivation, mark: int | None, run_id: str, *, again: Sequence[Span] = ()
) -> Report:
    """Publish rows that may appear by now, and compute published ones anew that inputs have touched since.

    Args:
        target: the table of the rows, opened before the derivation's inputs.
        derivation: what the rows are.
        mark: up to which time the inputs are complete; None when nothing can be said yet.
        run_id: told in the table's history.
        again: published rows that are computed anew whether touched or not.

    Raises:
        Superseded: another publication was quicker; what this one has replaced is right, and counts for nothing.
    """
    names = _Names(derivation.progress, derivation.fingerprint)
    before = _before(target, names, derivation.inputs)
    passed = None if mark is None else derivation.closed(mark)
    closed = max((moment for moment in (before.published_to, passed) if moment is not None), default=None)
    stored = _Stored(target, derivation.column)
    spans, wide = ([], []) if closed is None else _spans(derivation, before, closed, again, stored)
    rows, commit = 0, before.commit
    for span, replaced in zip(spans, wide, strict=True):
        commit += 1
        # the count of commits makes another publication's commit a conflict
        moved = {names.commits: commit} | ({} if before.covered is None else {names.in_force: commit})
        lo, hi = moment(replaced[0]), moment(replaced[1])
        with _at_hand(derivation.rows(span)) as (found, count):
            replace_range(target, found, derivation.column, lo, hi, transactions=moved, metadata={"run_id": run_id})
        rows += count
    covered = {of.name: of.version for of in derivation.inputs}
    if closed is not None and (before.covered != covered or closed != before.published_to):
        done = {names.commits: commit + 1, names.in_force: commit + 1, names.published_to: closed}
        done |= {names.covered(of): of.version for of in derivation.inputs}
        append(target, table_schema(target).empty_table(), transactions=done, metadata={"run_id": run_id})
    return Report(target.version(), covered, closed, tuple(spans), rows)


def publish_again(opened: Callable[[], tuple[DeltaTable, Derivation]], span: Span, run_id: str) -> Report:
    """Compute published rows anew, whatever became of them; rows that have not appeared yet do not appear by this.

    Safe beside publications: it goes on piece by piece, each begun anew when another commit was quicker.

    Args:
        opened: opens the table of the rows, and then its derivation.
        span: of the inputs' time; all rows that depend on input rows in it are computed anew.
        run_id: told in the table's history.

    Raises:
        Superseded: others were quicker several times; what was replaced until then is right.
    """
    _, derivation = opened()
    reports = piece_by_piece(derivation, span, lambda piece: publish(*opened(), None, run_id, again=[piece]))
    replaced = tuple(span for report in reports for span in report.replaced)
    return replace(reports[-1], replaced=replaced, rows=sum(report.rows for report in reports))


def piece_by_piece(derivation: Derivation, span: Span, anew: Callable[[Span], T]) -> list[T]:
    """Compute rows anew, each piece of them begun again when another commit was quicker.

    Args:
        derivation: says which rows depend on the span, and where they are divided.
        span: of the inputs' time.
        anew: opens table and derivation, and publishes a piece of rows again.

    Returns:
        What was said of each piece, in order.

    Raises:
        Superseded: others were quicker several times; the pieces before are right.
    """

    def committed(piece: Span) -> T:
        return until_committed(lambda _: anew(piece))

    return [committed(piece) for piece in derivation.divided(derivation.following(span))]


@contextmanager
def _at_hand(found: pa.Table | pa.RecordBatchReader) -> Iterator[tuple[pa.Table | pa.RecordBatchReader, int]]:
    """Rows and how many they are; what is read from tables as it comes is first put into a file.

    The thread that writes a Delta table cannot read another one.
    """
    if isinstance(found, pa.Table):
        yield found, len(found)
        return
    rows = 0
    with tempfile.TemporaryDirectory(prefix="dataeng-rows-") as folder:
        path = str(Path(folder) / "rows.arrow")
        with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, found.schema) as writer:
            for batch in found:
                rows += batch.num_rows
                writer.write_batch(batch)
        with pa.OSFile(path, "rb") as file, pa.ipc.open_stream(file) as reader:
            yield reader, rows


def _before(target: DeltaTable, names: _Names, inputs: Sequence[Input]) -> _Before:
    commits = progress(target, names.commits)
    is_in_force = commits is not None and progress(target, names.in_force) == commits
    found = {of.name: progress(target, names.covered(of)) for of in inputs} if is_in_force else {}
    covered = {name: version for name, version in found.items() if version is not None}
    return _Before(commits or 0, covered if len(covered) == len(inputs) else None, progress(target, names.published_to))


def _spans(
    derivation: Derivation, before: _Before, closed: int, again: Sequence[Span], stored: "_Stored"
) -> tuple[list[Span], list[Span]]:
    """What is to be computed: the rows that may appear since, and published ones that were touched since.

    Returns:
        The spans, and those that are replaced by them: they reach further where all is computed anew, so that no row is
        left beside them, of another definition or of events that are gone.
    """
    until = derivation.until(closed)
    if before.published_to is None or before.covered is None:
        return _whole(derivation, until, stored)
    published = derivation.until(before.published_to)
    try:
        known = merged([*_touched(derivation, before.covered, before.published_to), *again], until=published)
    except ChangesGone:
        return _whole(derivation, until, stored)
    spans = _divided(derivation, [*known, (published, until)])
    return spans, spans


def _touched(derivation: Derivation, covered: Mapping[str, int], before: int) -> Iterator[Span]:
    for of in derivation.inputs:
        yield from of.touched(covered[of.name], before)


def _whole(derivation: Derivation, until: int, stored: "_Stored") -> tuple[list[Span], list[Span]]:
    """Every row, from the first that there can be, or that stands there."""
    starts = [start for start in (derivation.first(), stored.bounds and stored.bounds[0]) if start is not None]
    spans = _divided(derivation, [(min(starts), until)] if starts else [])
    if not spans or not stored.bounds:
        return spans, spans
    lo, hi = spans[-1]
    return spans, [*spans[:-1], (lo, max(hi, stored.bounds[1]))]


def _divided(derivation: Derivation, spans: Sequence[Span]) -> list[Span]:
    return [piece for span in spans if span[0] < span[1] for piece in derivation.divided(span)]


@dataclass(frozen=True)
class _Stored:
    """The rows that stand in the table, whoever has put them there."""

    target: DeltaTable
    column: str

    @cached_property
    def bounds(self) -> Span | None:
        """From the first to after the last; read only when all is computed anew."""
        found = self.target.to_pyarrow_dataset().to_table(columns=[self.column])[self.column].cast(pa.int64())
        return (pc.min(found).as_py(), pc.max(found).as_py() + 1) if len(found) else None
