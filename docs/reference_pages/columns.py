"""Columns that the platform adds; only here are they described."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.extract.quarantine import OWN_COLUMNS as QUARANTINE_COLUMNS
from dataeng_assets.extract.versions import OWN_COLUMNS
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.stream import DEAD_LETTERS_SCHEMA, Stream
from dataeng_assets.streams.windows import WINDOWS_SCHEMA
from reference_pages import REFERENCE
from reference_pages.markdown import table

OURS = {
    "_op": "`upsert`, `delete`, or `return`: the row came back after its delete. A delete has its key alone.",
    "_row_hash": "of the contract's columns; equal for equal rows",
    "_extracted_at": "when the run that read this version took its snapshot",
    "_run_id": "the Dagster run that wrote the row",
    "_released_by": "the replay that let the row out of what was set aside; empty for all other rows",
    "_broken": "the names of all rules that the row breaks",
    "_contract_version": "of the contract by which it was judged",
    "_rescued": "fields that the contract does not name, as JSON",
    "_kafka_partition": "partition of the topic",
    "_kafka_offset": "offset in the partition; with it, the record's identity",
    "_kafka_timestamp": "the record's own timestamp",
    "_kafka_generation": "empty, until its topic was made again or truncated and that accepted: how often",
    "_ingested_at": "when the micro-batch was committed",
    "event_date": "UTC day of the event time; the files lie by it",
    "key": "of the record, as it came",
    "value": "of the record, as it came",
    "headers": "of the record, as they came",
    "reason": "why it breaks the contract, in a word or two; `rule:<name>` for the first rule that it breaks",
    "detail": "where: the field, never its value; the names of all rules that it breaks",
    "window_start": "included",
    "window_end": "not included",
    "event_type": "the windows are by this field, which the contract must have",
    "records": "deliveries",
    "events": "each key of the contract once",
    "unique_users": "distinct `user_id`, which the contract must have",
    "window_date": "UTC day of the start",
}


def columns() -> str:
    """What the platform adds to each kind of table."""
    topic = load_contract(REFERENCE / "example-topic.yaml")
    events = Stream("clicks", "clicks", "example", topic, Lake("unused", {})).main_schema()
    added = [field for field in events if field.name not in {column.name for column in topic.columns}]
    return f"""
# Columns that the platform adds

Times are UTC, to the microsecond.

## Every bronze table of a Postgres source

{_described(OWN_COLUMNS)}

## Rows set aside

Where the contract of a table says `quarantine`, what breaks it lies in a table of its own, `<table>_quarantine`: the
columns of the contract, and these. Here `_op` is `upsert` for a version that was set aside, and `cleared` when the
source has a good version of the key again, or the key no more.

{_described(QUARANTINE_COLUMNS)}

## Events of a topic, and late ones

{_described(added)}

Late events have no `_released_by`: what is released from the dead letters stands in the main table.

## Dead letters

{_described(DEAD_LETTERS_SCHEMA)}

## Windows

{_described(WINDOWS_SCHEMA)}
"""


def _described(fields: Iterable["pa.Field[Any]"]) -> str:
    rows = [(f"`{field.name}`", f"`{field.type}`", OURS[field.name]) for field in fields]
    return table(("column", "type", "what it is"), rows)
