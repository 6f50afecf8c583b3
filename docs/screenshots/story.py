"""The pictures of the documentation, from a platform as `make demo` leaves it: `make screenshots`.

Opens the Dagster UI, has a backfill run, a check fail and the ledger ask for runs, as a person would see it happen:
requests go through the UI's own interface, and the check fails because an order in Postgres no longer adds up. That
order is corrected again at the end. Looking and taking the pictures belongs in `browser`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from dataeng_assets.local.process import HOST, choose_port, tail, wait_until
from dataeng_assets.settings import ROOT, state_folder, variable

IMAGES = ROOT / "docs" / "images"
BROWSER = [str(ROOT / ".venv-interop" / "bin" / "python"), str(Path(__file__).with_name("browser.py"))]
PATIENCE_SECONDS = 900
LIVE_SECONDS = 180
CODE = {"repositoryName": "__repository__", "repositoryLocationName": "dataeng_assets"}
FIRST, LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


class UI:
    """A `dagster dev` that answers."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """What its GraphQL says; an error of the query ends the story."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)
        if found.get("errors"):
            raise RuntimeError(found["errors"][0]["message"])
        data: dict[str, Any] = found["data"]
        return data

    def is_ready(self) -> bool:
        """Whether the code location is loaded."""
        try:
            nodes = self.ask("{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }")
        except OSError:
            return False
        return bool(nodes["repositoriesOrError"].get("nodes"))

    def is_quiet(self) -> bool:
        """Whether no run is under way or waiting."""
        under_way = "{ runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED]}) "
        return not self.ask(under_way + "{ ... on Runs { results { runId } } } }")["runsOrError"]["results"]

    def failures(self, job: str) -> int:
        """How many runs of a job have failed."""
        filtered = "query($job: String!) { runsOrError(filter: {statuses: [FAILURE], pipelineName: $job}) "
        found = self.ask(filtered + "{ ... on Runs { results { runId } } } }", job=job)
        return len(found["runsOrError"]["results"])

    def run(self, job: str, first: date, last: date) -> None:
        """Have a job materialize a range of days, and wait until it has been taken up and ended."""
        launched = self.ask(
            "mutation($params: ExecutionParams!) { launchRun(executionParams: $params) "
            "{ __typename ... on LaunchRunSuccess { run { runId } } } }",
            params={
                "selector": {**CODE, "pipelineName": job},
                "mode": "default",
                "executionMetadata": {"tags": [_tag(FIRST, first), _tag(LAST, last)]},
            },
        )
        assert launched["launchRun"]["__typename"] == "LaunchRunSuccess", launched
        run_id = launched["launchRun"]["run"]["runId"]
        status = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"

        def ended() -> bool:
            return self.ask(status, id=run_id)["runOrError"]["status"] in {"SUCCESS", "FAILURE", "CANCELED"}

        _wait(ended, f"{job} has not ended")

    def backfill(self, assets: list[str], days: list[date]) -> str:
        """Ask for days of assets as the UI does, and wait until they are there; the backfill's name."""
        launched = self.ask(
            "mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) "
            "{ __typename ... on LaunchBackfillSuccess { backfillId } } }",
            params={
                "assetSelection": [{"path": asset.split("/")} for asset in assets],
                "partitionNames": [day.isoformat() for day in days],
                "title": "Two weeks again",
            },
        )["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        status = (
            "query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
        )

        def ended() -> bool:
            found = self.ask(status, id=launched["backfillId"])["partitionBackfillOrError"]["status"]
            return str(found).startswith("COMPLETED")

        _wait(ended, "the backfill has not ended")
        return str(launched["backfillId"])


def main() -> None:
    """Take every picture."""
    if not (state_folder() / "warehouse.duckdb").exists():
        sys.exit("There is nothing to show yet. Run `make demo` first.")
    IMAGES.mkdir(exist_ok=True)
    today = datetime.now(UTC).date()
    with dagster_dev() as ui:
        _wait(ui.is_quiet, "runs are under way")
        with a_living_shop():
            time.sleep(LIVE_SECONDS)
        _wait_for_the_ledger(ui)
        take(ui.address, "lineage", "asset", "columns")
        days = [today - timedelta(days=ago) for ago in range(21, 7, -1)]
        take(ui.address, "backfill", backfill=ui.backfill(["marts/fct_shipments", "marts/fct_payments"], days))
        with an_order_that_does_not_add_up():
            before = ui.failures("warehouse")
            ui.run("extract_shop", today - timedelta(days=1), today)
            # at once: the days without the bad one are asked for soon, and pass
            _wait(lambda: ui.failures("warehouse") > before, "no check has failed")
            take(ui.address, "failed-check")
        _wait_for_the_ledger(ui)
        ui.run("extract_shop", today - timedelta(days=1), today)
        _wait_for_the_ledger(ui)
        take(ui.address, "sensor-tick")
    take(the_report(), "report", "report-table")


@contextmanager
def dagster_dev() -> Iterator[UI]:
    """The UI with its daemon, in the project's folder."""
    port = choose_port()
    log = state_folder() / "screenshots.log"
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "-h", HOST, "-p", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
    ui = UI(f"http://{HOST}:{port}")
    try:
        if not wait_until(lambda: process.poll() is not None or ui.is_ready(), PATIENCE_SECONDS) or process.poll():
            sys.exit(f"dagster dev did not come up:\n{tail(log, 30)}")
        yield ui
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@contextmanager
def a_living_shop() -> Iterator[None]:
    """Events come, so that the stream has more than one run to show."""
    command = [str(Path(sys.executable).with_name("dataeng")), "sample", "live", "--rate", "20"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


@contextmanager
def an_order_that_does_not_add_up() -> Iterator[None]:
    """Its total is a euro more than its lines, for as long as the block lasts."""
    change = "update shop.orders set total_amount = total_amount + %s where order_id = %s"
    with psycopg.connect(variable("DATAENG_POSTGRES_URL"), autocommit=True) as source:
        (order,) = source.execute(
            "select min(order_id) from shop.orders "
            "where (ordered_at at time zone 'UTC')::date = (now() at time zone 'UTC')::date - 6"
        ).fetchall()[0]
        source.execute(change, [1, order])
        try:
            yield
        finally:
            source.execute(change, [-1, order])


def the_report() -> str:
    """A quality report of the platform with trends; the address of its folder."""
    folder = state_folder() / "report-of-days"
    subprocess.run([sys.executable, str(Path(__file__).with_name("days.py")), str(folder)], check=True)
    return folder.as_uri()


def take(address: str, *names: str, backfill: str = "") -> None:
    """Have the browser take pictures of what stands at an address."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        sys.exit("Chromium is missing: apt-get install -y --no-install-recommends chromium")
    subprocess.run([*BROWSER, chromium, address, str(IMAGES), backfill, *names], check=True)


def _wait_for_the_ledger(ui: UI) -> None:
    """Its sensor ticks every 15 seconds; three ticks without a run, and it has nothing to ask for."""
    quiet_since = time.monotonic()

    def settled() -> bool:
        nonlocal quiet_since
        if not ui.is_quiet():
            quiet_since = time.monotonic()
        return time.monotonic() - quiet_since > 3 * 15 + 10

    _wait(settled, "the warehouse has not settled")


def _wait(condition: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"After {PATIENCE_SECONDS} s {otherwise}.")
        time.sleep(2)


def _tag(name: str, day: date) -> dict[str, str]:
    return {"key": name, "value": day.isoformat()}


if __name__ == "__main__":
    main()
