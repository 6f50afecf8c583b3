"""A table that is kept open is always the one that lies there, on its newest version."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.schema import Field
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.lake import kept as kept_module
from dataeng_assets.lake.append import Superseded, append, progress
from dataeng_assets.lake.kept import KeptTables
from dataeng_assets.lake.location import Lake, TableMissing
from dataeng_assets.lake.strict import table_schema

KEY = ("bronze", "shop", "items")
SCHEMA = pa.schema([pa.field("item", pa.int64())])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def rows(*items: int) -> pa.Table:
    return pa.table({"item": pa.array(items, pa.int64())})


def append_elsewhere(lake: Lake, app: str, number: int) -> None:
    table = lake.open(KEY)
    append(table, pa.Table.from_pylist([{"item": number}], table_schema(table)), transactions={app: number})


def is_as_if_opened(kept: KeptTables, lake: Lake) -> bool:
    ours, fresh = kept.open(KEY), lake.open(KEY)
    return (
        ours.version() == fresh.version()
        and ours.metadata().id == fresh.metadata().id
        and ours.schema() == fresh.schema()
        and sorted(ours.file_uris()) == sorted(fresh.file_uris())
        and progress(ours, "app") == progress(fresh, "app")
    )


def make_again(lake: Lake) -> None:
    assert lake.folder is not None
    shutil.rmtree(lake.folder)
    table = lake.create(KEY, SCHEMA)
    for number in range(random.randrange(12)):
        append(table, rows(number), transactions={"app": number})


OTHERS: dict[str, Callable[[Lake], object]] = {
    "commits": lambda lake: append_elsewhere(lake, "app", (progress(lake.open(KEY), "app") or 0) + 1),
    "restores": lambda lake: lake.open(KEY).version() and lake.open(KEY).restore(0),
    "compacts": lambda lake: lake.open(KEY).optimize.compact(),
    "writes a checkpoint": lambda lake: lake.open(KEY).create_checkpoint(),
    "adds a column": lambda lake: lake.open(KEY).alter.add_columns(
        [Field(f"more_{lake.open(KEY).version()}", "string", nullable=True)]
    ),
    "deletes it and makes it again": make_again,
    "does nothing": lambda _: None,
}


@settings(max_examples=20)
@given(did=st.lists(st.sampled_from(sorted(OTHERS)), max_size=12), seed=st.integers(0, 2**32))
def test_it_is_as_if_it_were_opened_whatever_others_do(
    tmp_path_factory: pytest.TempPathFactory, did: list[str], seed: int
) -> None:
    random.seed(seed)
    lake = Lake(str(tmp_path_factory.mktemp("lake") / "lake"))
    lake.create(KEY, SCHEMA)
    kept = KeptTables(lake)
    for one in did:
        assert is_as_if_opened(kept, lake)
        OTHERS[one](lake)
        assert is_as_if_opened(kept, lake), one


def test_a_table_that_was_made_again_and_has_as_many_commits_is_opened_anew(lake: Lake) -> None:
    kept = KeptTables(lake)
    for first in (0, 100):
        table = lake.create(KEY, SCHEMA)
        for number in range(5):
            append(table, rows(first + number), transactions={"app": first + number})
        assert progress(kept.open(KEY), "app") == first + 4
        assert lake.folder is not None
        shutil.rmtree(lake.folder)
    with pytest.raises(TableMissing):
        kept.open(KEY)


def test_it_is_the_same_handle_until_it_has_been_used_often_or_is_forgotten(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "_USES", 3)
    lake.create(KEY, SCHEMA)
    kept = KeptTables(lake)
    handles: list[DeltaTable] = [kept.open(KEY) for _ in range(4)]
    assert handles[0] is handles[1] is handles[2]
    assert handles[3] is not handles[2]
    kept.forget(KEY)
    assert kept.open(KEY) is not handles[3]


def test_what_is_written_through_it_is_guarded_against_other_writers(lake: Lake) -> None:
    lake.create(KEY, SCHEMA)
    kept = KeptTables(lake)
    for number in range(1, 4):
        append(kept.open(KEY), rows(number), transactions={"app": number})
    ours = kept.open(KEY)
    append_elsewhere(lake, "app", 4)
    with pytest.raises(Superseded):
        append(ours, rows(4), transactions={"app": 4})
    kept.forget(KEY)
    assert progress(kept.open(KEY), "app") == 4
    write_deltalake(
        lake.open(KEY),
        rows(9),
        mode="append",
        commit_properties=CommitProperties(app_transactions=[Transaction("b", 1)]),
    )
    assert append(kept.open(KEY), rows(5), transactions={"app": 5}) == lake.open(KEY).version()
