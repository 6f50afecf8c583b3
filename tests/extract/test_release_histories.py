"""Whatever happens in whatever order, each version that was read ends in exactly one place, once."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from made_source import LOWER, SHORT, TREE, Shop, contract, quarantining, whole_table

from dataeng_assets.extract import commit, release
from dataeng_assets.extract.quarantine import CLEARED
from dataeng_assets.lake.location import Lake

pytestmark = pytest.mark.server

CONTRACTS = {"both": (SHORT, LOWER), "short": (SHORT,), "lower": (LOWER,), "none": ()}
BREAKS = {"short": lambda value: len(value) > 1, "lower": lambda value: value != value.lower()}
keys = st.integers(1, 3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), keys, st.sampled_from(["a", "bb", "C", "DD"])),
        st.tuples(st.just("remove"), keys),
        st.tuples(st.just("contract"), st.sampled_from(sorted(CONTRACTS))),
        st.tuples(st.just("extract"), st.sampled_from([None, None, "before", "after"]), st.integers(0, 1)),
        st.tuples(st.just("replay"), st.sampled_from([None, None, "before", "after"])),
    ),
    min_size=4,
    max_size=12,
)


class Ended(BaseException):
    """Stands for the end of the process, which nothing may catch."""


@dataclass
class Life:
    """A source, its bronze and the rules in force; what each step leaves is judged at once."""

    shop: Shop
    rules: str = "both"

    def write(self, key: int, value: str) -> None:
        self.shop.do(
            "INSERT INTO shop.items VALUES (%s, %s) ON CONFLICT (item_id) DO UPDATE SET value = %s", key, value, value
        )

    def remove(self, key: int) -> None:
        self.shop.do("DELETE FROM shop.items WHERE item_id = %s", key)

    def contract(self, name: str) -> None:
        self.rules = name
        described = quarantining(contract("items", TREE), *CONTRACTS[name])
        self.shop.tables = [whole_table(described, max_vanished=1, may_be_empty=True)]

    def extract(self, ended: str | None = None, at: int = 0) -> None:
        with ending(commit, ended, at):
            self.shop.first()
        if ended is None:
            self.assert_source_is_known()

    def replay(self, ended: str | None = None) -> None:
        with ending(release, ended, 0):
            found = release.release(self.shop.lake, self.shop.tables[0], release_id=f"r-{uuid.uuid4().hex}")
            again = release.release(self.shop.lake, self.shop.tables[0], release_id="again")
            assert (again.released, again.broken) == (0, found.broken)

    def assert_source_is_known(self) -> None:
        """A good row is the newest of its key in bronze, a broken one in the quarantine, with all that it breaks."""
        newest = {row["item_id"]: row for row in self.shop.bronze()}
        aside = {row["item_id"]: row for row in self.shop.bronze("items_quarantine")}
        source = dict(self.shop.do("SELECT item_id, value FROM shop.items"))
        names = [rule.name for rule in CONTRACTS[self.rules]]
        for key, value in source.items():
            broken = [name for name in names if BREAKS[name](value)]
            known = aside[key] if broken else newest[key]
            assert (known["value"], known.get("_broken", [])) == (value, broken)
        assert {key for key, row in newest.items() if row["_op"] != "delete"} - source.keys() == set()

    def assert_each_version_is_in_one_place(self) -> None:
        bronze, log = self.shop.bronze(), self.shop.bronze("items_quarantine")
        places = [(row["item_id"], row["_extracted_at"]) for row in bronze]
        assert len(set(places)) == len(places), "a version stands twice"
        set_aside = {(row["item_id"], row["_extracted_at"]) for row in log if row["_op"] != CLEARED}
        released = {place for place, row in zip(places, bronze, strict=True) if row["_released_by"]}
        assert released == set_aside & set(places), "only what was released stands in both"
        for key in {key for key, _ in places}:
            history = [(row["_op"] == "delete", row["value"]) for row in bronze if row["item_id"] == key]
            assert all(one != next_ for one, next_ in pairwise(history)), "a version stands twice"


@contextmanager
def ending(module: Any, when: str | None, at: int) -> Iterator[None]:
    """End the process at a commit of a module, before or after it."""
    real, done = module.append, 0

    def append(*given: Any, **named: Any) -> int:
        nonlocal done
        done += 1
        if when == "before" and done == at + 1:
            raise Ended
        version = real(*given, **named)
        if when == "after" and done == at + 1:
            raise Ended
        return version

    module.append = append
    try:
        with suppress(Ended):
            yield
    finally:
        module.append = real


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example(
    happened=[
        ("contract", "short"),
        ("write", 3, "C"),
        ("extract", None, 0),
        ("contract", "both"),
        ("extract", None, 0),
    ]
)
@example(  # the middle one of three stays set aside, so that the first and the last of them are neighbours
    happened=[
        ("write", 1, "a"), ("extract", None, 0), ("write", 1, "DD"), ("extract", None, 0), ("contract", "lower"),
        ("write", 1, "bb"), ("extract", None, 0), ("contract", "both"), ("extract", None, 0), ("write", 1, "DD"),
        ("extract", None, 0), ("write", 1, "bb"), ("extract", None, 0), ("contract", "lower"), ("replay", None),
    ]
)  # fmt: skip
@given(happened=steps)
def test_whatever_happens_each_version_ends_in_one_place(shop, tmp_path, happened):
    shop.do("DROP TABLE shop.items")
    shop.do("CREATE TABLE shop.items (item_id bigint PRIMARY KEY, value text)")
    life = Life(replace(shop, lake=Lake(str(tmp_path / uuid.uuid4().hex))))
    life.contract("both")
    life.extract()
    for name, *given_ in happened:
        getattr(life, name)(*given_)
        life.assert_each_version_is_in_one_place()
    life.contract("none")
    life.replay()
    life.extract()
    life.assert_each_version_is_in_one_place()
    newest = {row["item_id"]: row for row in life.shop.bronze()}
    living = {key: row["value"] for key, row in newest.items() if row["_op"] != "delete"}
    assert living == dict(shop.do("SELECT item_id, value FROM shop.items"))
