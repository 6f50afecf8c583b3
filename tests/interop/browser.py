"""Looks at a running Dagster UI in headless Chromium: `python browser.py CHROMIUM ADDRESS FOLDER GROUP…`.

Run by the interop environment's Python, which has playwright and nothing of the platform. Prints what it saw as JSON
and leaves its pictures in the folder; whether that is right is for the test to say.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Locator, Page, sync_playwright

FLAGS = [
    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium's sandbox refuses root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_SECONDS = 90
UNDER_WAY = ("Loading", "Materializing", "Evaluating", "Queued", "Running")
TOP_BAR_PIXELS = 60  # hides the top of what the UI fits into the page


def main(chromium: str, address: str, folder: Path, groups: list[str]) -> dict[str, Any]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            seen, errors = _tour(browser, address, folder, groups)
        finally:
            browser.close()
    return {**seen, "errors": errors}


def _tour(browser: Browser, address: str, folder: Path, groups: list[str]) -> tuple[dict[str, Any], list[str]]:
    errors: list[str] = []
    # large enough for the UI to draw the nodes of a whole group with all that they tell
    context = browser.new_context(viewport={"width": 4000, "height": 3000})
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    context.add_init_script("localStorage.setItem('communityNux', '1')")  # else it asks for an address after a while
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    started = time.monotonic()
    # of a larger graph the UI draws only a part
    nodes = [node for group in groups for node in _lineage(page, address, [group])]
    drawn = time.monotonic() - started
    page.screenshot(path=folder / "lineage-details.png")
    page.set_viewport_size({"width": 1600, "height": 1000})
    _picture(page, address, groups, folder / "lineage.png")
    seen = {
        "seconds_to_draw": round(drawn, 1),
        "nodes": nodes,
        "asset": _asset(page, address, folder),
        "checks": _checks(page, address, folder),
        "automation": _automation(page, address, folder),
        "runs": _runs(page, address, folder),
    }
    return seen, errors


def _open_lineage(page: Page, address: str, groups: list[str]) -> Locator:
    expanded = ",".join(f"global@global:{group}" for group in groups)
    page.goto(f"{address}/asset-groups?expanded={quote(expanded)}")
    nodes = page.locator("foreignObject [class*=assetNodeContainer]")
    nodes.first.wait_for()
    return nodes


def _lineage(page: Page, address: str, groups: list[str]) -> list[list[str]]:
    """The lines of each node, when every node that will have a state has one."""
    nodes = _open_lineage(page, address, groups)
    deadline = time.monotonic() + PATIENCE_SECONDS
    before: list[str] = []
    while time.monotonic() < deadline:
        texts = nodes.all_inner_texts()
        shown = " ".join(texts)
        if texts == before and "Passed" in shown and not any(word in shown for word in UNDER_WAY):
            return [text.split("\n") for text in texts]
        before = texts
        page.wait_for_timeout(1000)  # states come in batches
    raise TimeoutError(f"The lineage was not drawn in {PATIENCE_SECONDS} s; it shows: {before}")


def _picture(page: Page, address: str, groups: list[str], path: Path) -> None:
    """The lineage alone, in the middle of the page."""
    nodes = _open_lineage(page, address, groups)
    page.wait_for_timeout(2000)
    page.get_by_text("Hide navigation").click()
    page.get_by_placeholder("Jump to").locator("xpath=following::button[1]").click()
    page.wait_for_timeout(500)
    boxes = [box for node in nodes.all() if (box := node.bounding_box())]
    left, right = min(box["x"] for box in boxes), max(box["x"] + box["width"] for box in boxes)
    view = page.locator("[data-svg-viewport]").bounding_box()
    assert view
    hold = (view["x"] + 10, view["y"] + view["height"] - 10)
    page.mouse.move(*hold)
    page.mouse.down()
    shift = view["x"] + view["width"] / 2 - (left + right) / 2
    page.mouse.move(hold[0] + shift, hold[1] + TOP_BAR_PIXELS / 2, steps=10)
    page.mouse.up()
    page.wait_for_timeout(1000)
    page.screenshot(path=path)


def _asset(page: Page, address: str, folder: Path) -> str:
    page.goto(f"{address}/assets/marts/fct_orders")
    page.get_by_text("Row count").first.wait_for()
    page.wait_for_timeout(1000)
    page.screenshot(path=folder / "asset.png")
    return page.inner_text("body")


def _checks(page: Page, address: str, folder: Path) -> str:
    page.goto(f"{address}/assets/marts/fct_orders?view=checks")
    page.get_by_text("Latest execution").first.wait_for()
    page.wait_for_timeout(1000)
    page.screenshot(path=folder / "checks.png")
    return page.inner_text("body")


def _automation(page: Page, address: str, folder: Path) -> dict[str, bool]:
    """Whether the switch of each schedule and sensor is on."""
    page.goto(f"{address}/automation")
    deadline = time.monotonic() + PATIENCE_SECONDS
    switches: dict[str, bool] = {}
    while not switches and time.monotonic() < deadline:
        page.wait_for_timeout(500)
        switches = _switches(page)
    page.screenshot(path=folder / "automation.png")
    return switches


def _switches(page: Page) -> dict[str, bool]:
    """Those of all rows below the location's own; none while one of them waits for its answer.

    The UI asks for each row by itself: until then it has no second line, and a switch that means nothing or none.
    """
    switches = {}
    for row in page.locator("[data-index]:not([data-index='0'])").all():
        name, *told = row.inner_text().strip().split("\n")
        switch = row.locator("[class*=formatSwitch] input")
        if not told or not switch.count():
            return {}
        switches[name] = switch.is_checked()
    return switches


def _runs(page: Page, address: str, folder: Path) -> str:
    page.goto(f"{address}/runs")
    page.get_by_text("Launched by").first.wait_for()
    page.get_by_text("Success", exact=True).first.wait_for()
    page.screenshot(path=folder / "runs.png")
    return page.inner_text("body")


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])))
