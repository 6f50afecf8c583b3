"""Committed events of a stream, read by their time and near what is derived from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable

from dataeng_assets.lake.changes import touched_rows
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.streams.derived.pieces import rows_by_hour
from dataeng_assets.streams.derived.spans import HOUR, MOMENT, Span, moment
from dataeng_assets.streams.stream import EVENT_DATE, Stream


@dataclass
class Events:
    """The main table of a stream at the version of a handle.

    Attributes:
        most: rows that were read at once, at most.
    """

    stream: Stream
    main: DeltaTable
    most: int = field(default=0, init=False)

    @property
    def column(self) -> str:
        """The event time."""
        return self.stream.event_time.column

    @property
    def version(self) -> int:
        """The version that is read."""
        return int(self.main.version())

    @cached_property
    def sizes(self) -> dict[int, int]:
        """About how many events lie in each hour since 1970."""
        return rows_by_hour(self.main, self.column)

    def first(self) -> int | None:
        """The time of the first event, or up to an hour before it."""
        return min(self.sizes) * HOUR if self.sizes else None

    def read(self, columns: Sequence[str], span: Span) -> pa.RecordBatchReader:
        """Columns of the events in a span of time; files of other days and other times are passed over."""
        lo, hi = moment(span[0]), moment(span[1])
        wanted = (pc.field(EVENT_DATE) >= lo.date()) & (pc.field(EVENT_DATE) <= hi.date())
        wanted &= (pc.field(self.column) >= pa.scalar(lo, MOMENT)) & (pc.field(self.column) < pa.scalar(hi, MOMENT))
        names = list(dict.fromkeys(columns))
        found = self._dataset.scanner(columns=names, filter=wanted).to_reader()
        return pa.RecordBatchReader.from_batches(found.schema, self._counted(found))

    @cached_property
    def _dataset(self) -> ds.Dataset:
        """The files, each with the days and times that are in it; bounds of other columns cost 2 ms a file to say."""
        schema = table_schema(self.main)
        bounds = pa.schema([schema.field(name) for name in (EVENT_DATE, self.column)])
        found = cast("ds.FileSystemDataset", self.main.to_pyarrow_dataset(schema=bounds))
        return ds.FileSystemDataset(list(found.get_fragments()), schema, found.format, found.filesystem)

    def touched(self, covered: int) -> "Iterator[np.ndarray[Any, Any]]":
        """Times of the events that came since a version, or were removed by a person, batch by batch.

        Raises:
            ChangesGone: the table no longer tells.
        """
        for batch in touched_rows(self.stream.lake, self.stream.main, covered, self.version):
            yield np.asarray(batch.column(self.column).cast(pa.int64()))

    def _counted(self, found: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        rows = 0
        for batch in found:
            rows += batch.num_rows
            self.most = max(self.most, rows)
            yield batch
