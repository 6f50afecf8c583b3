"""Takes pictures of a running Dagster UI: `python browser.py CHROMIUM ADDRESS FOLDER BACKFILL NAME…`.

Run by the interop environment's Python, which has playwright and nothing of the platform.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

FLAGS = [
    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium's sandbox refuses root
    "--disable-gpu",
    "--hide-scrollbars",
]
PATIENCE_SECONDS = 120
GROUPS = ["shop", "events", "marts", "gold", "default"]
WIDE = {"width": 1600, "height": 1000}
SETTLE = 3000
"""Milliseconds; states come in batches, and what was drawn moves once more."""


class Camera:
    """A page of the UI, and where its pictures go."""

    def __init__(self, page: Page, address: str, folder: Path, backfill: str) -> None:
        self.page, self.address, self.folder, self.backfill_id = page, address, folder, backfill

    def lineage(self) -> None:
        """The whole graph, in the middle of the page."""
        self._open_lineage()
        self.page.get_by_text("Hide navigation").click()
        self.page.wait_for_timeout(SETTLE)
        self.page.get_by_placeholder("Jump to").locator("xpath=following::button[1]").click()
        self._shoot("lineage")

    def asset(self) -> None:
        """A mart: rows, checks, days, plots."""
        self._open("assets/marts/fct_orders?view=overview", "Row count")
        self._shoot("asset")

    def columns(self) -> None:
        """The columns of a mart."""
        self._open("assets/marts/fct_orders?view=overview", "Row count")
        self.page.get_by_text("Columns").first.scroll_into_view_if_needed()
        self._shoot("columns")

    def backfill(self) -> None:
        """A backfill that has ended."""
        self._open(f"runs/b/{self.backfill_id}", "Partitions")
        self._shoot("backfill")

    def failed_check(self) -> None:
        """A check that held a day back."""
        self._open("assets/marts/fct_orders?view=checks", "Latest execution")
        self.page.get_by_text("Failed").first.click()
        self._shoot("failed-check")

    def sensor_tick(self) -> None:
        """The ledger's ticks, and what they asked for."""
        self._open("locations/dataeng_assets/sensors/change_ledger", "Tick")
        self._shoot("sensor-tick")

    def _open_lineage(self) -> None:
        expanded = ",".join(f"global@global:{group}" for group in GROUPS)
        self.page.goto(f"{self.address}/asset-groups?expanded={quote(expanded)}")
        self.page.locator("foreignObject [class*=assetNodeContainer]").first.wait_for()
        self.page.wait_for_timeout(SETTLE)

    def _open(self, place: str, shown: str) -> None:
        self.page.goto(f"{self.address}/{place}")
        self.page.get_by_text(shown).first.wait_for()
        self.page.wait_for_timeout(SETTLE)

    def _shoot(self, name: str) -> None:
        self.page.wait_for_timeout(SETTLE)
        self.page.screenshot(path=self.folder / f"{name}.png")


def main(chromium: str, address: str, folder: str, backfill: str, *names: str) -> None:
    """Take the pictures that are named."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = browser.new_context(viewport={"width": WIDE["width"], "height": WIDE["height"]})
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        # else the UI asks for an address after a while
        context.add_init_script("localStorage.setItem('communityNux', '1')")
        camera = Camera(context.new_page(), address, Path(folder), backfill)
        for name in names:
            shoot: Callable[[], None] = getattr(camera, name.replace("-", "_"))
            shoot()
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
