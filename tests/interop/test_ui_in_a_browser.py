"""The Dagster UI as a person finds it: `dagster dev` in the project's folder, looked at in a real browser.

Where SCREENSHOTS names a folder, the pictures are put there.
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from programs import chromium, interop_program, running
from whole_platform import Platform

from dataeng_assets.local import process

pytestmark = [pytest.mark.interop, pytest.mark.server, pytest.mark.timeout(900)]

PATIENCE_SECONDS = 180
INSTANCE = """{
  repositoriesOrError { ... on RepositoryConnection { nodes { location { name } } } }
  runsOrError { ... on Runs { results { runId status } } }
}"""


class UI:
    """A `dagster dev` that answers."""

    def __init__(self, address: str, started: float) -> None:
        self.address, self.started = address, started

    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self.started

    def ask(self, query: str) -> dict[str, Any]:
        body = json.dumps({"query": query}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            data: dict[str, Any] = json.load(answer)["data"]
        return data

    def is_ready(self) -> bool:
        """Whether it answers and has loaded the code location."""
        try:
            return bool(self.ask(INSTANCE)["repositoriesOrError"].get("nodes"))
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture(scope="module", autouse=True)
def browser() -> list[str]:
    """What looks at the UI; asked for first, so that no minute is spent where it is missing."""
    return [interop_program("python"), str(Path(__file__).with_name("browser.py")), chromium()]


@pytest.fixture(scope="module")
def made(platform: Platform) -> dict[str, str]:
    """The runs that made the lineage green, before any UI was started."""
    platform.materialize()
    return {run.run_id: run.status.value for run in platform.instance.get_runs()}


@contextmanager
def dagster_dev(platform: Platform, **variables: str) -> Iterator[UI]:
    """`dagster dev` in the folder of the platform, as a person starts it; ready when it is handed over."""
    port = process.choose_port()
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "-h", process.HOST, "-p", str(port)]
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"} | variables
    log = platform.home / f"dagster-dev-{port}.log"
    started = time.monotonic()
    with running(command, log=log, cwd=platform.home, environment=environment) as program:
        ui = UI(f"http://{process.HOST}:{port}", started)
        came = process.wait_until(lambda: program.poll() is not None or ui.is_ready(), PATIENCE_SECONDS)
        assert came, process.tail(log, 40)
        assert program.poll() is None, process.tail(log, 40)
        yield ui


def look(browser: list[str], ui: UI, groups: list[str], folder: Path) -> dict[str, Any]:
    """What the browser saw; its pictures stand in the folder."""
    command = [*browser, ui.address, str(folder), *groups]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-4000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.fixture
def screenshots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def full_name(shown: str, names: set[str]) -> str:
    """A name as it is: the UI cuts long ones in the middle."""
    start, cut, end = shown.partition("…")
    return next((name for name in names if name.startswith(start) and name.endswith(end)), shown) if cut else shown


def not_passed(platform: Platform, keys: set[dg.AssetCheckKey]) -> list[dg.AssetCheckKey]:
    """The checks whose newest evaluation has not passed."""
    newest = platform.instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    return [key for key in keys if key not in newest or newest[key].status.value != "SUCCEEDED"]


def assert_green(node: list[str], where: str) -> int:
    """A node of the graph says that its asset is there, and every partition of it; how many checks have not passed."""
    passed = re.fullmatch(r"(\d+) / (\d+) Passed", node[node.index("Asset checks") + 1])
    assert passed, where
    partitions = node[node.index("Partitions") + 1]
    # a day more than were made, where midnight has passed meanwhile
    assert "Materialized" in node or re.fullmatch(r"(98|99|100)% filled", partitions), where
    assert not {"Failed", "Overdue", "Missing", "Never materialized"} & set(node), where
    return int(passed[2]) - int(passed[1])


@pytest.mark.parametrize("is_set", [False, True], ids=["plain", "with DAGSTER_HOME"])
def test_dagster_dev_shows_the_runs_that_were_made_before_it(
    platform: Platform, made: dict[str, str], is_set: bool
) -> None:
    assert made
    assert set(made.values()) == {"SUCCESS"}
    variables = {"DAGSTER_HOME": str(platform.home)} if is_set else {}
    with dagster_dev(platform, **variables) as ui:
        shown = {run["runId"]: run["status"] for run in ui.ask(INSTANCE)["runsOrError"]["results"]}
    assert made.items() <= shown.items()


def test_the_logs_of_the_runs_stand_where_the_ui_looks_for_them(platform: Platform, made: dict[str, str]) -> None:
    logs = platform.state / "dagster" / "logs"
    assert {run_id for run_id in made if (logs / run_id).is_dir()} == set(made)


def test_the_lineage_is_green_in_a_real_browser(
    browser: list[str], platform: Platform, made: dict[str, str], screenshots: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = platform.definitions().resolve_asset_graph()
    assets = graph.materializable_asset_keys
    groups = sorted({graph.get(key).group_name or "" for key in graph.get_all_asset_keys()})
    with dagster_dev(platform) as ui:
        ready = ui.seconds()
        seen = look(browser, ui, groups, screenshots)
    with capsys.disabled():
        print(f"\nUI ready after {ready:.0f} s, lineage drawn {seen['seconds_to_draw']:.0f} s later; {screenshots}")

    assert seen["errors"] == []
    names = {key.path[-1] for key in graph.get_all_asset_keys()}
    nodes = Counter(full_name(node[0], names) for node in seen["nodes"])
    assert nodes == Counter(key.path[-1] for key in graph.get_all_asset_keys())
    made_here = [node for node in seen["nodes"] if "Passed" in " ".join(node)]
    assert Counter(full_name(node[0], names) for node in made_here) == Counter(key.path[-1] for key in assets)
    # whether a table is as usual cannot be said on its first day; nothing else may be left open, in the UI or beside it
    left_open = not_passed(platform, set(graph.asset_check_keys))
    assert {check.name for check in left_open} <= {"no_anomaly"}
    shown_open = Counter({full_name(node[0], names): 0 for node in made_here})
    for node in made_here:
        shown_open[full_name(node[0], names)] += assert_green(node, node[0])
    assert +shown_open == Counter(check.asset_key.path[-1] for check in left_open)

    checks = [check.name for check in graph.asset_check_keys if check.asset_key.path == ["marts", "fct_orders"]]
    assert f"Checks ({len(checks)})" in seen["checks"]
    assert seen["checks"].count("Succeeded") == len(checks)
    assert all(any(full_name(line, {name}) == name for line in seen["checks"].split("\n")) for name in checks)
    assert "Row count" in seen["asset"]

    repository = platform.definitions().get_repository_def()
    automation = {*repository.sensor_defs, *repository.schedule_defs}
    assert seen["automation"] == {definition.name: True for definition in automation}
    assert all(run_id[:8] in seen["runs"] for run_id in made)
    assert {path.name for path in screenshots.glob("*.png")} >= {"lineage.png", "checks.png", "automation.png"}
