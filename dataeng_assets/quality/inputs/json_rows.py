"""JSON and NDJSON: each record a row, each key at its top a column, each value JSON text.

The columns are the keys of all records in the order in which they first appear. A key that is absent and one that is
null are both NULL: a table has no third way. How records are found in the text belongs in `json_values`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dataeng_assets.quality.inputs.files import changed, size
from dataeng_assets.quality.inputs.json_values import Found, Records, json_texts
from dataeng_assets.quality.inputs.opened import SAFE, Held, Input, InputColumn, InputUnreadable, check_names
from dataeng_assets.quality.inputs.spill import Spill, number
from dataeng_assets.quality.inputs.text import utf8

MAX_COLUMNS = 2_000
_BATCH_ROWS = 5_000
_BATCH_CHARACTERS = 16 * 1024 * 1024
_JSON = pa.json_(pa.string())


def open_json(where: str, paths: Sequence[Path], _: duckdb.DuckDBPyConnection) -> Input:
    """Open files of records.

    Raises:
        InputUnreadable: one of them is broken, names file and line; or there is no record or no key.
    """
    with ExitStack() as resources:
        spill = Spill.on(resources)
        names: dict[str, None] = {}
        for path in paths:
            with utf8(path) as (stream, _mark):
                _spill_records(path, Records(path, stream), names, spill)
        if not names:
            raise InputUnreadable(
                f"{where} holds no record with a key, so it tells no columns. {SAFE} See whether whatever writes it "
                "has finished."
            )
        check_names(where, list(names))
        relation, position = spill.relation(list(names))
        columns = tuple(InputColumn(name, "JSON", Held.JSON) for name in names)
        return Input(where, relation, columns, position, spill.rows, size(paths), changed(paths), resources.pop_all())


def _spill_records(path: Path, records: Iterable[Found], names: dict[str, None], spill: Spill) -> None:
    """Write the records of one file; a new part begins where a key appears that none before it had."""
    row = 1
    with ExitStack() as part:
        writer: pq.ParquetWriter | None = None
        for batch in _batches(records):
            known = len(names)
            for line, _, record in batch:
                names.update(dict.fromkeys(record))
                if len(names) > MAX_COLUMNS:
                    raise InputUnreadable(
                        f"{path}: up to line {line:,} the records have more than {MAX_COLUMNS:,} different keys. "
                        f"{SAFE} Keys that are values make no columns: write them as values of one key."
                    )
            # a record without keys is a row, too
            listed = list(names) or [""]
            schema = pa.schema([(name, _JSON) for name in listed])
            if writer is None or len(names) > known:
                part.close()
                writer = part.enter_context(spill.part(str(path), schema, row))
            writer.write_batch(_arrow(path, batch, listed))
            row += len(batch)
            spill.rows += len(batch)


def _arrow(path: Path, batch: Sequence[Found], names: Sequence[str]) -> pa.RecordBatch:
    arrays = []
    for name in names:
        texts = json_texts([found.record.get(name) for found in batch])
        try:
            values = pa.array(texts, pa.string())
        except UnicodeEncodeError:
            raise _half_character(path, batch, texts) from None
        arrays.append(pa.ExtensionArray.from_storage(_JSON, values))
    return pa.RecordBatch.from_arrays(arrays, names=[number(place) for place in range(len(names))])


def _half_character(path: Path, batch: Sequence[Found], texts: Sequence[str | None]) -> InputUnreadable:
    halves = (any("\ud800" <= letter <= "\udfff" for letter in text or "") for text in texts)
    line = next(found.line for found, half in zip(batch, halves, strict=True) if half)
    return InputUnreadable(
        f"{path}: line {line:,} begins a record with half of a character (an escape from \\ud800 to \\udfff without "
        f"its other half). {SAFE} Correct it: no encoding can store it."
    )


def _batches(records: Iterable[Found]) -> Iterator[list[Found]]:
    """Records in groups that fit into memory, however long they are."""
    batch: list[Found] = []
    characters = 0
    for found in records:
        batch.append(found)
        characters += found.length
        if len(batch) >= _BATCH_ROWS or characters > _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch
