"""The quality report as people find it: in a real browser, wide and narrow, light and dark, by keyboard, on paper.

Where SCREENSHOTS names a folder, the pictures are put there.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from programs import chromium, interop_program
from quality_site import HOSTILE, example_site

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the browser saw of every page, in light and in dark."""
    program = [interop_program("python"), str(Path(__file__).with_name("report_browser.py")), chromium()]
    folder = tmp_path_factory.mktemp("report")
    pictures = Path(os.environ.get("SCREENSHOTS") or folder / "pictures").resolve()
    pictures.mkdir(parents=True, exist_ok=True)
    site = example_site(folder).parent
    done = subprocess.run([*program, str(site), str(pictures)], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-4000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def by_page(seen: list[dict[str, Any]], what: str) -> dict[str, Any]:
    return {f"{one['page']} {one['scheme']}": one[what] for one in seen if one[what]}


def test_every_page_was_looked_at_in_both_schemes(seen: list[dict[str, Any]]) -> None:
    assert len(seen) == 2 * 6
    assert len({one["page"] for one in seen}) == 6


def test_the_console_is_silent_and_nothing_is_asked_for(seen: list[dict[str, Any]]) -> None:
    assert by_page(seen, "said") == {}
    assert {url for one in seen for url in one["asked"]} == set()


def test_names_with_html_and_quotes_are_text(seen: list[dict[str, Any]]) -> None:
    shown = {one["page"] for one in seen if HOSTILE in one["text"]}
    assert {"index.html", "tables/marts.fct_orders.html"} < shown
    assert len(shown) == 4, "the overview, its own page, its neighbour, and what lies further up"
    assert by_page(seen, "handlers") == {}
    assert not {"script", "img", "iframe", "object", "embed"} & {tag for one in seen for tag in one["tags"]}
    (own,) = {one["page"] for one in seen if one["title"].startswith("<script>")}
    assert own.startswith("tables/script-")


def test_the_structure_is_there_for_who_hears_the_page(seen: list[dict[str, Any]]) -> None:
    for one in seen:
        assert (one["language"], one["landmarks"]) == ("en", ["header", "main", "footer"]), one["page"]
        assert one["headings"].count(1) == 1, one["page"]
        assert one["headings"][0] == 1, one["page"]
    for what in (
        "skipped",
        "doubled",
        "namelessPictures",
        "tablesWithoutCaption",
        "headsWithoutScope",
        "linksWithoutText",
    ):
        assert by_page(seen, what) == {}, what
    assert sum(one["pictures"] for one in seen) > 20


def test_every_text_has_the_contrast_of_wcag_aa(seen: list[dict[str, Any]]) -> None:
    assert {key: found["poor"] for key, found in by_page(seen, "contrast").items() if found["poor"]} == {}
    assert all(one["contrast"]["judged"] > 30 for one in seen)
    # in dark, too: paper is white
    assert {key: found["poor"] for key, found in by_page(seen, "contrastOnPaper").items() if found["poor"]} == {}


def test_the_keyboard_reaches_everything_and_shows_where_it_is(seen: list[dict[str, Any]]) -> None:
    assert by_page(seen, "unreached") == {}
    for one in seen:
        assert one["focus"][0]["text"] == "Skip to the content", one["page"]
        assert [step for step in one["focus"] if not step["isSeen"]] == [], one["page"]


def test_no_page_is_wider_than_its_window_and_what_scrolls_is_reached_by_keyboard(seen: list[dict[str, Any]]) -> None:
    assert by_page(seen, "tooWide") == {}
    assert by_page(seen, "cutOff") == {}


def test_a_long_name_cuts_no_column_of_the_overview_off(seen: list[dict[str, Any]]) -> None:
    scrolled = {width for one in seen if one["page"] == "index.html" for width in one["scrolled"]}
    assert scrolled == {"360", "800"}


def test_every_page_can_be_printed(seen: list[dict[str, Any]]) -> None:
    assert all(one["printed"] > 10_000 for one in seen)
    assert by_page(seen, "beyondPaper") == {}
