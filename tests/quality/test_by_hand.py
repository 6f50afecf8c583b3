"""What a person has judged by hand is kept when it is a judgement of the whole table by its own rules, and else not."""

from dataclasses import replace

import pyarrow as pa
import pytest
from quality_results import HELD, NOW, RANGE, table

from dataeng_assets.lake.location import Lake
from dataeng_assets.quality.by_hand import keep
from dataeng_assets.quality.report.gather import stories
from dataeng_assets.quality.report.names import page_of
from dataeng_assets.quality.report.site import pages
from dataeng_assets.quality.results import TableResult
from dataeng_assets.quality.results_store import read, record

KEY = "gold.fct_orders"


@pytest.fixture
def lake(tmp_path) -> Lake:
    found = Lake(str(tmp_path / "lake"))
    found.create(tuple(KEY.split(".")), pa.schema([("id", pa.int64())]))
    return found


def judged(*results, days_ago: int = 0, key: str = KEY) -> TableResult:
    return replace(table(*results, days_ago=days_ago), input=key)


def test_it_is_the_newest_judgement_of_the_report_and_says_that_it_was_made_by_hand(lake):
    record(lake, {KEY: judged(HELD, days_ago=1)}, run_id="nightly")
    assert keep(lake, judged(RANGE), checks=["all"], own_rules=True) == "Kept for the report: dataeng report"
    (told,) = stories(lake, {}, now=NOW)
    assert (told.newest.is_by_hand, told.newest.overall) == (True, "violated")
    assert [one.is_by_hand for one in told.judgements] == [False, True]
    assert pages([told], {}, made_at=NOW)[page_of(KEY)].count("by hand") == 1


def test_the_same_question_asked_later_is_another_judgement(lake):
    for days_ago in (1, 0):
        keep(lake, judged(HELD, days_ago=days_ago), checks=["all"], own_rules=True)
    assert len(read(lake)) == 2


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"checks": ["completeness"]}, "only part of its rules"),
        ({"own_rules": False}, "by other rules, or beside other tables"),
        ({"key": "marts.fct_orders"}, "what the tests of dbt found"),
    ],
)
def test_what_is_no_judgement_of_the_whole_by_its_own_rules_is_not_kept(lake, asked, why):
    given = {"checks": ["all"], "own_rules": True, "key": KEY} | asked
    assert why in keep(lake, judged(HELD, key=given.pop("key")), **given)
    assert read(lake) == []


def test_a_lake_that_cannot_be_written_changes_no_verdict(lake):
    lake.folder.joinpath("quality").write_text("no folder")
    said = keep(lake, judged(HELD), checks=["all"], own_rules=True)
    assert said.startswith("It could not be kept for the report")
    assert "The verdict stands" in said
