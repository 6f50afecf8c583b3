"""Holding back: days on which a check has failed, so that the others are rebuilt without them.

A held day keeps what was published of it, and is asked for again when a source touches it, or by a person.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.ledger.entries import State, open_ledger, waiting, write
from dataeng_assets.orchestration.ledger.targets import Targets, is_daily, model_key

HELD = "dataeng/held_back"
"""Tag of a run that failed and has said which days are bad. The others may be asked for at once."""


def hold(lake: Lake, targets: Targets, bad: Mapping[str, Iterable[date]], run_id: str) -> int:
    """Hold back bad days of targets, and of everything dated that is made from them.

    Args:
        lake: where the ledger lies.
        targets: all targets.
        bad: dotted key of a target whose check failed -> the days on which it did.
        run_id: the run in which it failed.

    Returns:
        How many touches are held back.
    """
    days: dict[str, set[date]] = {}
    for name, found in bad.items():
        failed = targets.by_name[name]
        for target in targets.all:
            if target is failed or failed.key in target.ancestors:
                days.setdefault(target.name, set()).update(found)
    held = [touch for touch in waiting(lake).pending if touch.day in days.get(touch.target, ())]
    if held:
        write(open_ledger(lake), held, State.HELD, run_id=run_id)
    return len(held)


def bad_days(
    warehouse: Path, manifest: Mapping[str, Any], results: Iterable[Mapping[str, Any]], days: tuple[date, date]
) -> dict[str, tuple[date, ...]]:
    """Find the days on which the failed tests of a dbt run fail, by asking each test again for each day.

    Args:
        warehouse: the DuckDB file, with the rows that were tested.
        manifest: of the project.
        results: of `run_results.json`.
        days: first and last day of the run.

    Returns:
        Days by dotted key of the tested model. Empty when a test cannot be asked by day, or finds no single day bad:
        then nobody knows which days are good.
    """
    found: dict[str, set[date]] = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for result in results:
            if result["status"] != "fail":
                continue
            model = _tested_model(manifest, manifest["nodes"][result["unique_id"]])
            if not model:
                continue  # what is no day's holds back what is made from it in this run, and nothing else
            bad = _bad_days(connection, result.get("compiled_code") or "", days)
            if not bad:
                return {}
            found.setdefault(".".join(model_key(model)), set()).update(bad)
    return {name: tuple(sorted(bad)) for name, bad in found.items()}


def _tested_model(manifest: Mapping[str, Any], test: Mapping[str, Any]) -> Mapping[str, Any]:
    """The daily model that a test judges; empty when it judges none."""
    named = test["config"].get("meta", {}).get("dagster", {}).get("ref", {}).get("name")
    parents = [manifest["nodes"].get(parent, {}) for parent in test["depends_on"]["nodes"]]
    models = [
        manifest["nodes"].get(test.get("attached_node"), {}),
        *(node for node in parents if node.get("name") == named),
    ]
    return next((node for node in models if node and is_daily(node)), {})


def _bad_days(connection: duckdb.DuckDBPyConnection, sql: str, days: tuple[date, date]) -> set[date]:
    """The bounds stand in the compiled SQL as `in_window` of the dbt project writes them."""
    start, end = f">= '{days[0]}'", f"< '{days[1] + timedelta(days=1)}'"
    if start not in sql or end not in sql:
        return set()
    bad = set()
    for offset in range((days[1] - days[0]).days + 1):
        day = days[0] + timedelta(days=offset)
        of_the_day = sql.replace(start, f">= '{day}'").replace(end, f"< '{day + timedelta(days=1)}'")
        if connection.execute(f"select count(*) from ({of_the_day})").fetchall()[0][0]:
            bad.add(day)
    return bad
