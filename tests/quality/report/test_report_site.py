"""The site: every table has a page, every page says what is known, any name is text, and nothing else is touched."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_results import EVERY_KIND, HELD, NASTY, NOW, RANGE, UNDECIDED, any_table, anything, table
from quality_site import HOSTILE, MADE_AT, PLATFORM, VIEW, example_site
from seen import Seen

from dataeng_assets.lake.location import Lake
from dataeng_assets.quality.anomalies import history
from dataeng_assets.quality.anomalies.measure import Measurement
from dataeng_assets.quality.report.gather import stories
from dataeng_assets.quality.report.lineage import reachable
from dataeng_assets.quality.report.names import page_of, slug
from dataeng_assets.quality.report.plot import _ticks, short
from dataeng_assets.quality.report.site import FolderRefused, pages, write
from dataeng_assets.quality.report.story import DayState, Known, ago, hours_old, share_held
from dataeng_assets.quality.report.trends import trend
from dataeng_assets.quality.results import Overall
from dataeng_assets.quality.results_store import record
from dataeng_assets.quality.written.words import visible


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    return example_site(tmp_path_factory.mktemp("quality")).parent


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def text_of(page: Path) -> str:
    return " ".join("".join(Seen(page.read_text()).texts).split())


def test_every_judged_table_has_a_page_that_the_overview_links_to(site):
    links = re.findall(r'href="(tables/[^"]+)"', (site / "index.html").read_text())
    assert sorted(links) == sorted(f"tables/{page.name}" for page in (site / "tables").iterdir())
    assert len(links) == 5


def test_every_link_leads_to_a_page_or_a_place_on_it(site):
    for page in site.rglob("*.html"):
        written = page.read_text()
        for target in re.findall(r'href="([^"]+)"', written):
            if target.startswith("#"):
                assert f'id="{target[1:]}"' in written
            else:
                assert (page.parent / target).exists(), target


def test_the_page_of_a_table_says_all_that_is_known(site):
    shown = text_of(site / page_of("marts.fct_orders"))
    for said in (
        "net_amount_range",
        "12 of 1,000 rows lie below 0.",
        "-15.50",
        "excess rows",
        "marts.fct_orders 1.2.0",
        "version 30",
        "analytics",
        "finance : reads order_id, net_amount, finance@example.org",
        "retention",
        "numeric(12,2)",
        "personal",
        "26 of 30 days (86.7 %)",
        "27 of 30 days (90.0 %)",
        "staging.stg_shop__orders",
        "gold.fct_orders",
        "bronze.shop.order_items",
        "slaProperties: support",
        "580 rows",
    ):
        assert said in shown or said.replace(" :", ":") in shown, said


def test_a_view_has_a_page_with_its_rules_and_the_versions_that_it_shows(site):
    shown = text_of(site / page_of(VIEW))
    for said in ("bronze.shop.order_items 7", "order_id_not_null", "Columns as they are described", "2 of 2 days"):
        assert said in shown, said


def test_where_no_rule_is_about_age_the_newest_row_is_as_old_as_it_was_measured(lake):
    record(lake, {"t": replace(table(HELD), freshest=None)}, run_id="r")
    now = NOW + timedelta(hours=2)
    assert "not known" in pages(stories(lake, {}, now=now), {}, made_at=now)["index.html"]
    history.record(lake, history.Taken("t", [Measurement("hours_old", 3.0)], NOW), run_id="r")
    (told,) = stories(lake, {}, now=now)
    assert hours_old(told, now) == 5
    assert "5 h ago" in pages([told], {}, made_at=now)["index.html"]


def test_a_table_that_was_never_judged_is_not_called_good(site):
    shown = text_of(site / "index.html")
    assert "marts.dim_customers" in shown[shown.index("Not judged yet") :]
    assert "That is not a pass." in shown


def test_pages_load_nothing_and_run_nothing(site):
    for page in site.rglob("*.html"):
        seen = Seen(page.read_text())
        assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & set(seen.tags)
        assert not {"src", "srcset", "style", "onload", "onerror", "onclick"} & seen.attributes
        assert "http://" not in page.read_text().replace(HOSTILE, "")
        assert not seen.open


def test_nothing_judged_is_a_site_that_says_so():
    made = pages([], {"a": Known(owner="me"), "outside": Known(is_source=True)}, made_at=NOW)
    assert list(made) == ["index.html"]
    assert "Nothing was judged yet" in made["index.html"]
    assert "outside" not in made["index.html"]


@settings(max_examples=25)
@given(st.data())
def test_any_text_is_text_on_every_page(tmp_path_factory, data):
    key, found = data.draw(anything), data.draw(any_table())
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    record(lake, {key: found}, run_id="r")
    platform = {key.encode("utf-8", "replace").decode(): Known((key,), key, key, key)}
    for page in pages(stories(lake, platform, now=NOW), platform, made_at=NOW).values():
        seen = Seen(page)
        assert not seen.open
        assert not seen.comments
        assert "script" not in seen.tags
        assert visible(next(iter(platform))) in seen.texts


@given(st.lists(anything | st.text(max_size=200), max_size=8, unique=True))
def test_names_of_pages_are_safe_and_never_the_same(keys):
    names = [slug(key) for key in keys]
    assert len({name.lower() for name in names}) == len(keys)
    assert all(re.fullmatch(r"[a-z0-9_][a-z0-9_.-]*", name) and len(name) <= 100 for name in names)


@pytest.mark.parametrize(
    "key", ["marts.fct_orders", "A.b", "a.B", "con", "nul.x", "../x", "", ".", "a..b", *NASTY[:12]]
)
def test_the_name_of_a_page(key):
    name = slug(key)
    assert (name == key) == (key == "marts.fct_orders")
    assert not name.startswith((".", "con", "nul.")) or "-" in name


def test_pages_of_a_former_site_go_and_files_of_others_stay(tmp_path):
    write(tmp_path, {"index.html": made("old"), "tables/gone.html": made("gone")})
    (tmp_path / "tables" / "mine.html").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path, {"index.html": made("new"), "tables/new.html": made("new")})
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == ["mine.html", "new.html"]
    assert (tmp_path / "notes.txt").exists()


def test_a_folder_with_another_site_is_refused(tmp_path):
    (tmp_path / "index.html").write_text("<h1>Mine</h1>")
    with pytest.raises(FolderRefused, match="--output"):
        write(tmp_path, {"index.html": made("new")})
    assert (tmp_path / "index.html").read_text() == "<h1>Mine</h1>"


def made(title: str) -> str:
    return pages([], {}, made_at=NOW)["index.html"].replace("Data quality", title)


def test_a_day_counts_as_its_worst_judgement_and_a_day_without_one_does_not_count(lake):
    record(lake, {"t": table(HELD)}, run_id="morning")
    record(lake, {"t": replace(table(RANGE), judged_at=NOW + timedelta(hours=1))}, run_id="noon")
    record(lake, {"t": replace(table(HELD), judged_at=NOW + timedelta(hours=2))}, run_id="evening")
    record(lake, {"t": table(UNDECIDED, days_ago=1)}, run_id="yesterday")
    record(lake, {"t": table(HELD, days_ago=3)}, run_id="before")
    (told,) = stories(lake, {}, now=NOW + timedelta(hours=3))
    states = [day.quality for day in told.days]
    assert states[-4:] == [DayState.HELD, DayState.NOT_JUDGED, DayState.UNDECIDED, DayState.BROKEN]
    assert share_held(states) == (1, 3)
    assert share_held(day.freshness for day in told.days) == (0, 0)
    assert told.overall is Overall.HOLDS


def test_a_partition_that_did_not_hold_stays_open_until_it_is_judged_again(lake):
    record(lake, {"t": table(RANGE, days_ago=1)}, run_id="1", partition="2026-11-18")
    record(lake, {"t": table(HELD)}, run_id="2", partition="2026-11-19")
    (told,) = stories(lake, {}, now=NOW)
    assert (told.overall, [one.partition for one in told.open_partitions]) == (Overall.VIOLATED, ["2026-11-18"])
    assert "2026-11-18" in "".join(Seen(pages([told], {}, made_at=NOW)[page_of("t")]).texts)
    record(lake, {"t": replace(table(HELD), judged_at=NOW + timedelta(hours=1))}, run_id="3", partition="2026-11-18")
    (told,) = stories(lake, {}, now=NOW)
    assert (told.overall, told.open_partitions) == (Overall.HOLDS, ())


@pytest.mark.parametrize(
    ("later", "is_settled"),
    [("", True), ("2026-11-10/2026-11-18", True), ("2026-11-18/2026-11-19", False), ("2026-11-19/2026-11-20", False)],
)
def test_days_that_did_not_hold_are_settled_by_a_later_judgement_of_all_of_them(lake, later, is_settled):
    record(lake, {"t": table(RANGE, days_ago=1)}, run_id="1", partition="2026-11-17/2026-11-18")
    record(lake, {"t": table(HELD)}, run_id="2", partition=later)
    (told,) = stories(lake, {}, now=NOW)
    assert (told.open_partitions == ()) == is_settled
    assert told.overall is (Overall.HOLDS if is_settled else Overall.VIOLATED)


def test_a_table_found_bad_as_a_whole_is_not_settled_by_some_of_its_days(lake):
    record(lake, {"t": table(RANGE, days_ago=1)}, run_id="1")
    record(lake, {"t": table(HELD)}, run_id="2", partition="2026-11-17/2026-11-18")
    (told,) = stories(lake, {}, now=NOW)
    assert told.overall is Overall.VIOLATED


def test_columns_that_nobody_has_looked_at_are_not_called_missing(lake):
    record(lake, {"t": replace(table(HELD), columns=())}, run_id="r")
    (told,) = stories(lake, {}, now=NOW)
    shown = "".join(Seen(pages([told], {}, made_at=NOW)[page_of("t")]).texts)
    assert "no such column" not in shown
    assert "Found as" not in shown
    assert "Columns as they are described" in shown


def test_an_empty_table_says_that_this_is_not_a_pass(lake):
    record(lake, {"t": table(rows=0)}, run_id="r")
    (told,) = stories(lake, {}, now=NOW)
    assert told.overall is Overall.UNDECIDED
    assert "An empty table is not a pass." in pages([told], {}, made_at=NOW)[page_of("t")]


def test_the_range_that_would_be_usual_comes_from_the_values_before(lake):
    for days in range(14, -1, -1):
        record(lake, {"t": table(*EVERY_KIND, rows=1000 + days % 3 if days else 10, days_ago=days)}, run_id=str(days))
    (told,) = stories(lake, PLATFORM, now=MADE_AT)
    rows = next(one for one in told.trends if one.metric == "row_count")
    assert rows.is_unusual
    assert rows.low is not None
    assert rows.low > 10


def test_a_series_without_a_number_has_no_plot():
    assert trend("mean", "x", []) is None


def test_a_circle_in_the_lineage_ends():
    edges = {"a": ["b"], "b": ["c"], "c": ["a", "b"]}
    assert reachable("a", edges) == {"b", "c"}


@given(st.floats(-1e15, 1e15), st.floats(0, 1e15))
def test_axes_have_few_round_ticks_around_all_values(low, span):
    ticks = _ticks(low, low + span)
    slack = 1e-9 * max(abs(low), span) + 1e-12
    assert ticks[0] - slack <= low <= low + span <= ticks[-1] + slack
    assert 2 <= len(ticks) <= 7
    assert all(len(short(tick)) <= 8 for tick in ticks)


@pytest.mark.parametrize(
    ("hours", "said"),
    [(None, "not known"), (0.5, "30 min ago"), (30, "30 h ago"), (96, "4 days ago"), (-3, "3 h in the future")],
)
def test_ages_are_told_in_their_largest_unit(hours, said):
    assert ago(hours) == said
