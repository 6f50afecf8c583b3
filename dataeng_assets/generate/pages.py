"""The page of the documentation that says which pipelines can be generated, made from what the kinds declare."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import PurePosixPath

from dataeng_assets.generate.kinds import KINDS, KindModule, kind_module
from dataeng_assets.generate.matrix import Combination, Refused, Row, look_up
from dataeng_assets.generate.request import Destination, Kind, Mode, Source

_HEAD = """
# What can be generated

For each kind: the combinations of source, destination and mode that exist, how each is shown to work, and why the
others are refused, with the nearest that exists. *Executed here* means that the test runs what was generated against
the real systems; *parsed in its dialect* that it is parsed by a parser of that dialect, and never ran here. The modes
incremental and full are run in one pipeline: some of its tables have a watermark, and others are read whole.
[How to use it](../how-to/generate.md).
"""


def matrix_page() -> str:
    """The whole page."""
    return "\n".join([_HEAD.strip(), *(_kind(kind, kind_module(kind)) for kind in KINDS)])


def _kind(kind: Kind, module: KindModule) -> str:
    there = _table(("source", "mode", "destination", "shown to work", "by"), _existing(module.ROWS))
    refused = _table(("source", "mode", "destination", "why not", "nearest"), _refused(module))
    untaken = "".join(f"- `--{option}`: {reason}.\n" for option, reason in module.UNTAKEN.items())
    said = f"Options that it does not take:\n\n{untaken}\n" if untaken else ""
    return f"\n## {kind}\n\n{there}\n\nRefused:\n\n{refused}\n\n{said}".rstrip() + "\n"


def _existing(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        yield (
            _words(row.sources),
            _words(row.modes),
            _words(row.destinations),
            row.standing,
            f"`{PurePosixPath(row.shown_by.partition('::')[0]).name}`",
        )


def _refused(module: KindModule) -> Iterator[tuple[str, ...]]:
    """Combinations that are refused for the same reason and have the same nearest one, taken together."""
    by_answer: dict[tuple[str, Combination, Source, Mode], list[Destination]] = {}
    for source, mode, destination in product(Source, Mode, Destination):
        found = look_up(module.ROWS, module.REFUSALS, Combination(source, destination, mode))
        if isinstance(found, Refused):
            by_answer.setdefault((found.reason, found.nearest, source, mode), []).append(destination)
    by_source: dict[tuple[str, Combination, Source, tuple[Destination, ...]], list[Mode]] = {}
    for (reason, nearest, source, mode), destinations in by_answer.items():
        by_source.setdefault((reason, nearest, source, tuple(destinations)), []).append(mode)
    together: dict[tuple[str, Combination, tuple[Destination, ...], tuple[Mode, ...]], list[Source]] = {}
    for (reason, nearest, source, unreached), modes in by_source.items():
        together.setdefault((reason, nearest, unreached, tuple(modes)), []).append(source)
    for (reason, nearest, unreached, taken), sources in together.items():
        yield _words(sources), _words(taken), _words(unreached), reason, f"`{nearest}`"


def _words(words: Iterable[str]) -> str:
    return ", ".join(words)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in (head, *rows)]
    return "\n".join([f"| {lines[0]} |", f"|{'---|' * len(head)}", *(f"| {line} |" for line in lines[1:])])
