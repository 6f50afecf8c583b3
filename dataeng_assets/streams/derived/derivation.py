"""What a table derived from committed events says of itself, so that `publish` can keep it as it should be.

A row of such a table is a pure function of rows of its inputs and lies in time by one of its columns. Rows of a span
are computed from inputs that are read near it, so no more than a piece is ever in memory.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import pyarrow as pa

from dataeng_assets.streams.derived.spans import Span


class Input(Protocol):
    """A table of the lake that rows depend on, opened once for a publication, and after the table of the rows."""

    @property
    def name(self) -> str:
        """What it is called in the names of progress; different for each input of a derivation."""

    @property
    def version(self) -> int:
        """The version that is read."""

    def touched(self, covered: int, before: int) -> Iterable[Span]:
        """Derived rows that can be others because of what came into the input, or was taken from it, since a version.

        Args:
            covered: version up to which published rows know the input.
            before: up to which time rows were published; what touches none of them need not be told.

        Raises:
            ChangesGone: the input no longer tells; every row is computed anew.
        """


class Derivation(Protocol):
    """How rows follow from inputs. Spans are of `column` throughout."""

    @property
    def progress(self) -> str:
        """What the names of its progress begin with, its format's version first: `v1/windows/clicks`."""

    @property
    def fingerprint(self) -> str:
        """Changes with everything that rows depend on beside the inputs; another one computes every row anew."""

    @property
    def column(self) -> str:
        """The timestamp by which rows are told apart and replaced."""

    @property
    def inputs(self) -> Sequence[Input]:
        """Everything that rows depend on."""

    def closed(self, mark: int) -> int:
        """Up to which time rows are final enough to appear when the inputs are complete up to a watermark."""

    def until(self, closed: int) -> int:
        """The end, in `column`, of the rows that appear with a closed time."""

    def first(self) -> int | None:
        """Where the first row can lie; None when there can be none."""

    def following(self, span: Span) -> Span:
        """Every row that depends on input rows in a span of time."""

    def divided(self, span: Span) -> Iterable[Span]:
        """The span in pieces that read a bounded number of input rows each, in order and without a gap."""

    def rows(self, span: Span) -> pa.Table | pa.RecordBatchReader:
        """The rows of a piece, in the columns of the table; a reader where they may not fit into memory together."""
