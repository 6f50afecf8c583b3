"""Events of a topic as the generated loaders leave them in a table, and their count in windows of event time.

How one table or event becomes staging and a fact belongs in `models`; how a topic is loaded, in the kinds that load it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dataeng_assets.contracts.checks.kinds import OneOf
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination
from dataeng_assets.generate.shape import Shaped
from dataeng_assets.generate.streaming.events import WINDOW
from dataeng_assets.generate.warehouse.records import COORDINATES, RESCUED
from dataeng_assets.generate.warehouse.types import type_name

_LENGTH = f"interval '{int(WINDOW.total_seconds() // 60)} minutes'"
WINDOWS: Mapping[Destination, str] = {
    Destination.DUCKDB: f"time_bucket({_LENGTH}, {{}})",
    Destination.POSTGRES: f"date_bin({_LENGTH}, {{}}, timestamp with time zone '2000-01-01 00:00:00+00')",
}
"""The first instant of a window, where a loader of topics is generated; the other warehouses follow a stream."""
COLUMNS = (RESCUED, *COORDINATES)
"""What a loader adds to the columns of the contract."""


def windows_name(fact: str) -> str:
    """What the windows over a fact are called."""
    return f"{fact}_windows"


def windows(shaped: Shaped, to: Destination, fact: str, shown: Sequence[str]) -> tuple[str, str, dict[str, Any]]:
    """The model that counts events by window, and by the required fields that have few, known values.

    Args:
        shaped: the topic.
        to: the system that computes it.
        fact: the model that it counts.
        shown: the columns that the fact has, as the contract names them.

    Returns:
        Its name, its SQL, and what is said of it.
    """
    happened, name = shaped.happened, windows_name(fact)
    groups = [column for column in _grouped(shaped) if column in shown]
    start = {"name": "window_start", "data_type": type_name(happened.type, to), "data_tests": ["not_null"],
             "description": f"First instant of the window, by {shaped.names[happened.name]}."}  # fmt: skip
    columns = [_said(shaped, one, to) for one in groups]
    count = {"name": "events", "data_type": "BIGINT", "description": "How many events."}
    together = ["window_start", *(shaped.names[one] for one in groups)]
    text = render(
        "dbt/templates/windows.dbt.j2",
        fact=fact, start_sql=WINDOWS[to].format(shaped.names[happened.name]),
        groups=[shaped.names[one] for one in groups],
    )  # fmt: skip
    minutes = int(WINDOW.total_seconds() // 60)
    said = {
        "name": name,
        "description": f"Events of {shaped.table.name} in windows of {minutes} minutes. A late event changes the "
        "figure of its window whenever it comes: no window here says that it is complete.",
        "columns": [start, *columns, count],
        "data_tests": [{"unique_together": {"arguments": {"columns": together}}}],
    }
    return name, text, said


def _grouped(shaped: Shaped) -> list[str]:
    contract = shaped.table.contract
    checks = [rule.check for rule in contract.rules if not rule.where]
    known = {one.column for one in checks if isinstance(one, OneOf) and not one.negated}
    own = ("window_start", "events")
    few = [one.name for one in contract.columns if one.name in known and not one.nullable]
    return [name for name in few if shaped.names[name] not in own]


def _said(shaped: Shaped, name: str, to: Destination) -> dict[str, Any]:
    column = shaped.table.contract.column(name)
    return {
        "name": shaped.names[name],
        "data_type": type_name(column.type, to),
        "description": column.description,
    }
