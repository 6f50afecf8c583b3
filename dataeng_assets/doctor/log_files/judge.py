"""What a whole log says: causes with the lines that prove them, and what no cause explains."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from dataeng_assets.causes.recognize import EXAMPLES, Hits, Judge
from dataeng_assets.doctor.finding import Finding, Looked, NotLooked, Said
from dataeng_assets.doctor.log_files.lines import LogRefused, lines


def judge_log(path: Path) -> Iterator[Said]:
    """Read a log and say what it proves; a file that is no log, or cannot be read to its end, is said so."""
    judge = Judge()
    try:
        judge.take_all(lines(path))
    except LogRefused as error:
        yield NotLooked(str(path), str(error))
        if not judge.lines:
            return
    yield Looked(judge.lines, f"lines of {path.name}")
    found = list(_findings(judge, str(path)))
    yield from found
    count, first = judge.unexplained()
    if count and not found:
        yield NotLooked(
            "errors that no cause explains",
            f"{count:,} lines of {path.name} tell of errors that the catalogue does not know, the first is line "
            f"{first:,}. Read on from there.",
        )


def _findings(judge: Judge, where: str) -> Iterator[Finding]:
    by_cause: dict[str, list[str]] = {}
    for cause, system, hits in judge.proofs():
        by_cause.setdefault(cause, []).extend(_told(system, hits))
    skewed = tuple(judge.tasks.skewed())
    if skewed:
        by_cause.setdefault("partition-skew", []).extend(skewed[:EXAMPLES])
    for cause, proof in by_cause.items():
        yield Finding(cause, where, tuple(proof), names={"FILE": where})


def _told(system: str, hits: Hits) -> Iterable[str]:
    for said, (number, moment) in hits.said.items():
        yield f"line {number:,}{f' at {moment}' if moment else ''} ({system}): {said}"
    if hits.count > len(hits.said):
        yield f"{hits.count:,} such lines, the last is line {hits.last:,}"
