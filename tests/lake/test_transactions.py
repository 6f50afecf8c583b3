"""What is read of a log in one pass is what delta-rs answers for one app at a time."""

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.lake import transactions as transactions_module
from dataeng_assets.lake.append import append, progress
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.transactions import transactions

KEY = ("bronze", "t")
SCHEMA = pa.schema([pa.field("a", pa.string())])
APPS = ("v1/s/commits", "v1/s/0", 'with "quotes"')
commits = st.lists(st.tuples(st.sets(st.sampled_from(APPS)), st.booleans(), st.booleans()), max_size=8)


def commit(lake: Lake, apps: set[str] | frozenset[str], number: int) -> DeltaTable:
    table = lake.open(KEY)
    append(table, pa.table({"a": ['"txn"']}, schema=SCHEMA), transactions=dict.fromkeys(apps, number))
    return table


def said_by_delta(table: DeltaTable) -> dict[str, int]:
    found = {app: table.transaction_version(app) for app in APPS}
    return {app: int(version) for app, version in found.items() if version is not None}


@given(history=commits)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
def test_every_version_says_what_delta_says_with_and_without_checkpoints(
    history: list[tuple[set[str], bool, bool]], lake: Lake
) -> None:
    shutil.rmtree(lake.uri, ignore_errors=True)
    lake.create(KEY, SCHEMA)
    for number, (apps, checkpoint, forget) in enumerate(history, start=1):
        table = commit(lake, apps, number)
        if checkpoint:
            table.create_checkpoint()
        if forget:
            transactions_module._known.clear()
        fresh = lake.open(KEY)
        assert transactions(fresh) == said_by_delta(fresh)
    for version in range(len(history) + 1):
        earlier = lake.open(KEY, version)
        wanted = said_by_delta(earlier)
        assert {app: progress(earlier, app) for app in APPS} == {app: wanted.get(app) for app in APPS}


def test_a_table_that_was_made_again_in_its_place_is_another_one(lake: Lake) -> None:
    for number in (7, 3):
        shutil.rmtree(lake.uri, ignore_errors=True)
        lake.create(KEY, SCHEMA)
        commit(lake, {"v1/s/0"}, number)
        assert progress(lake.open(KEY), "v1/s/0") == number


@pytest.mark.parametrize("broken", ["{", '{"version": 1, "parts": 2}', '{"version": 99}'])
def test_where_the_log_is_not_understood_delta_is_asked(lake: Lake, broken: str) -> None:
    lake.create(KEY, SCHEMA)
    commit(lake, {"v1/s/0"}, 5)
    table = lake.open(KEY)
    transactions_module._known.clear()
    (Path(lake.at(KEY)) / "_delta_log" / "_last_checkpoint").write_text(broken)
    assert transactions(table) is None
    assert progress(table, "v1/s/0") == 5
