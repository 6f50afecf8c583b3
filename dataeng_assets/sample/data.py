"""Dropping what the sample has written: tables of the lake, the warehouse, the truth, the shop and its topic.

What belongs to the sample in the project's own files is said in `remove`.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg

from dataeng_assets.lake.location import Lake
from dataeng_assets.sample import marker, topic
from dataeng_assets.sample.remove import MARTS

SOURCES = {("bronze", "shop"), ("bronze", "events"), ("silver", "events")}
GOLD = {*MARTS, "daily_order_status"}
LEDGER = ("ledger", "changes")


def drop_data(lake: Lake, warehouse_file: Path, truth: Path) -> Iterator[str]:
    """Drop the sample's tables, and what is derived from all tables: the warehouse and the ledger are made anew.

    Yields:
        What was dropped. Of a lake on an object store nothing is: its addresses are named instead.
    """
    for key in lake.tables():
        if key[:2] in SOURCES or (key[0] == "gold" and key[1] in GOLD) or key == LEDGER:
            if lake.folder is None:
                yield f"still there, for you to remove: {lake.at(key)}"
            else:
                shutil.rmtree(lake.at(key))
                yield f"table {'.'.join(key)}"
    if warehouse_file.exists():
        warehouse_file.unlink()
        yield f"warehouse {warehouse_file}"
    if truth.exists():
        shutil.rmtree(truth)
        yield f"truth {truth}"


def drop_source(url: str, bootstrap: str) -> Iterator[str]:
    """Drop the shop's schemas and its topic, if they are the sample's own.

    Yields:
        What was dropped.
    """
    with psycopg.connect(url, autocommit=True) as connection, marker.alone(connection):
        found = marker.read(connection)
        if found is None:
            return
        topic.delete(bootstrap, found.topic)
        yield f"topic {found.topic}"
        connection.execute("drop schema if exists shop cascade")
        connection.execute("drop schema if exists sample cascade")
        yield "schemas shop and sample in Postgres"
