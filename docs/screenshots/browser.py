"""Takes pictures of a running Dagster UI: `python browser.py CHROMIUM ADDRESS FOLDER BACKFILL NAME…`.

Run by the interop environment's Python, which has playwright and nothing of the platform.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

FLAGS = [
    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium's sandbox refuses root
    "--disable-gpu",
    "--hide-scrollbars",
]
PATIENCE_SECONDS = 120
SIZE = ViewportSize(width=1600, height=1000)
TALL = ViewportSize(width=1600, height=1400)
FLAT = ViewportSize(width=1600, height=560)
ROOMY = ViewportSize(width=1800, height=1000)
"""From this width on the graph shows what it knows of each asset, and not its name alone."""
PAPER = ViewportSize(width=1400, height=860)
SETTLE = 3000
"""Milliseconds; states come in batches, and what was drawn moves once more."""


class Camera:
    """A page of the UI, and where its pictures go."""

    def __init__(self, page: Page, address: str, folder: Path, backfill: str) -> None:
        self.page, self.address, self.folder, self.backfill_id = page, address, folder, backfill

    def lineage(self) -> None:
        """From the tables of the source to what is published of one fact: sources on the left, gold on the right."""
        self._open("assets/gold/fct_orders?view=lineage&lineageScope=upstream&lineageDepth=10", "Graph depth", ROOMY)
        hide = self.page.get_by_text("Hide navigation")
        if hide.count():
            hide.click()
        self._shoot("lineage")

    def asset(self) -> None:
        """A stream: its state, its columns, and what each run has told, as plots."""
        self._open("assets/bronze/events/user_events?view=overview", "Freshness policy", TALL)
        self.page.get_by_text("Plots", exact=True).click()
        self._shoot("asset")

    def columns(self) -> None:
        """A mart: its columns, their types, and what they mean."""
        self._open("assets/marts/fct_orders?view=overview", "Row count")
        self.page.get_by_text("Description", exact=True).first.click()
        self._shoot("columns")

    def backfill(self) -> None:
        """A backfill that has ended."""
        self._open(f"runs/b/{self.backfill_id}", "fct_payments", FLAT)
        self._shoot("backfill")

    def failed_check(self) -> None:
        """A check that held a day back."""
        self._open("assets/marts/fct_order_items?view=checks", "Latest execution")
        self.page.get_by_text("Failed", exact=True).first.click()
        self._shoot("failed-check")

    def sensor_tick(self) -> None:
        """The ledger's ticks, and what they asked for."""
        self._open("locations/dataeng_assets/sensors/change_ledger", "Latest tick")
        self.page.get_by_text("All ticks").click()
        self.page.get_by_text("Requested", exact=True).click()
        self._shoot("sensor-tick")

    def report(self) -> None:
        """The quality report, which lies in files: its first page."""
        self.page.set_viewport_size(PAPER)
        self.page.goto(f"{self.address}/index.html")
        self._shoot("report")

    def report_table(self) -> None:
        """The page of a table that does not hold: how it was on the days before, and by which rules."""
        self.page.set_viewport_size(TALL)
        self.page.goto(f"{self.address}/tables/bronze.shop.orders.html#sla")
        self._shoot("report-table")

    def _open(self, place: str, shown: str, size: ViewportSize = SIZE) -> None:
        self.page.set_viewport_size(size)
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
        context = browser.new_context(viewport=SIZE)
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
