"""How many rows of a table lack a value; by its log where the log tells, by reading the column where it does not."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable


def null_counts(table: DeltaTable, columns: Sequence[str]) -> dict[str, int]:
    """Count the NULLs of each column in the version that the handle is on.

    Writers leave some statistics out: those of bytes, and of the columns after the first 32.
    """
    files = pa.table(table.get_add_actions(flatten=True))
    told = {name: files.column(at) for name in columns if (at := f"null_count.{name}") in files.column_names}
    counts = {name: int(pc.sum(count).as_py() or 0) for name, count in told.items() if not count.null_count}
    unknown = [name for name in columns if name not in counts]
    if unknown:
        counts |= dict.fromkeys(unknown, 0)
        for batch in table.to_pyarrow_dataset().to_batches(columns=unknown):
            for name in unknown:
                counts[name] += batch.column(name).null_count
    return {name: counts[name] for name in columns}
