"""Assets, checks, disks, dbt's results, and looking as a whole."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from doctor_kit import ScopeOf, causes, found, missed, proof

from dataeng_assets.doctor.finding import Looked, safe
from dataeng_assets.doctor.look import look
from dataeng_assets.doctor.probes import Probe
from dataeng_assets.doctor.probes.assets import failed_blocking_checks, stale_assets
from dataeng_assets.doctor.probes.machine import full_disks, slow_models
from dataeng_assets.doctor.scope import AssetUnknown, Scope, find_asset, upstream_of

HOURLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=1))


@dg.asset(freshness_policy=HOURLY)
def orders() -> None: ...


@dg.asset(freshness_policy=HOURLY)
def never_made() -> None: ...


@dg.asset(
    key=["marts", "facts"],
    deps=[orders],
    check_specs=[
        dg.AssetCheckSpec("right", asset=dg.AssetKey(["marts", "facts"])),
        dg.AssetCheckSpec("usual", asset=dg.AssetKey(["marts", "facts"])),
    ],
)
def facts() -> Iterator[object]:
    yield dg.MaterializeResult()
    yield dg.AssetCheckResult(check_name="right", passed=False)
    yield dg.AssetCheckResult(check_name="usual", passed=False, severity=dg.AssetCheckSeverity.WARN)


DEFINITIONS = dg.Definitions(assets=[orders, never_made, facts])


@pytest.fixture
def made(scope_of: ScopeOf, instance: dg.DagsterInstance) -> Scope:
    dg.materialize([orders, facts], instance=instance, raise_on_error=False)
    return scope_of(DEFINITIONS)


def test_an_asset_is_stale_when_its_age_is_beyond_its_promise(made: Scope) -> None:
    assert found(stale_assets(made)) == [], "it was made just now"
    later = replace(made, now=made.now + timedelta(hours=3))
    assert found(stale_assets(later)) == [("stale-data", "orders")]
    assert "it promises 1.0 h, and is 2.0 h late" in proof(stale_assets(later))
    assert missed(stale_assets(later)).endswith("never materialized, so they have no age: never_made")
    other = replace(later, only=frozenset({"marts.facts"}))
    assert (found(stale_assets(other)), missed(stale_assets(other))) == ([], "")


def test_a_check_that_blocks_is_named_and_one_that_warns_is_not(made: Scope) -> None:
    assert found(failed_blocking_checks(made)) == [("failed-check", "marts.facts")]
    assert "check right failed" in proof(failed_blocking_checks(made))
    assert found(failed_blocking_checks(replace(made, only=frozenset({"orders"})))) == []


def test_an_asset_is_found_by_its_last_parts_and_goes_with_what_it_hangs_on(made: Scope) -> None:
    assert find_asset(made.assets, "facts") == find_asset(made.assets, "marts/facts") == "marts.facts"
    assert upstream_of(made.assets, "marts.facts") == {"marts.facts", "orders"}
    with pytest.raises(AssetUnknown, match="did you mean 'facts'"):
        find_asset(made.assets, "fact")


def test_a_disk_is_full_when_little_is_left_in_bytes_and_in_share(scope_of: ScopeOf) -> None:
    scope = scope_of()
    assert causes(full_disks(scope, free_bytes=1024**6, free_share=1.1)) == {"disk-full"}
    assert "GiB are free" in proof(full_disks(scope, free_bytes=1024**6, free_share=1.1))
    assert causes(full_disks(scope, free_bytes=0, free_share=1.1)) == set(), "a large disk, nearly full by its share"
    assert causes(full_disks(scope, free_bytes=1024**6, free_share=0.0)) == set(), "a small disk, nearly empty"


def results(state: Path, day: int, **seconds: float) -> None:
    """What dbt leaves of a run, as it documents `run_results.json`."""
    folder = state / "dbt" / f"dbt_models-{day:07}-abc"
    folder.mkdir(parents=True)
    told = [
        {"unique_id": f"model.shop.{name}", "status": "success", "execution_time": took}
        for name, took in seconds.items()
    ]
    told.append({"unique_id": "test.shop.unique_x", "status": "fail", "execution_time": 9000.0})
    at = f"2026-11-{day:02}T08:00:00.000000Z"
    (folder / "run_results.json").write_text(json.dumps({"metadata": {"generated_at": at}, "results": told}))


def test_a_model_is_slow_against_its_own_past(scope_of: ScopeOf, state: Path) -> None:
    for day in range(1, 5):
        results(state, day, facts=4.0, always_slow=900.0, short=0.1)
    results(state, 5, facts=31.0, always_slow=910.0, short=2.0, first_time=700.0)
    scope = scope_of(DEFINITIONS)
    assert sorted(found(slow_models(scope))) == [("slow-dbt-model", "first_time"), ("slow-dbt-model", "marts.facts")]
    assert "it took 31.0 s at 2026-11-05 08:00 UTC; the median of 4 runs before is 4.0 s" in proof(slow_models(scope))
    (state / "dbt" / "dbt_models-0000005-abc" / "run_results.json").write_text("{")
    assert found(slow_models(scope)) == []
    assert "it holds no results of dbt" in missed(slow_models(scope))


MODEL = """
{{ config(materialized="table") }}
select sum(n % 7) as total from range({{ env_var("ROWS_OF_A_TEST") }}) as numbers(n)
"""
PROJECT = """
name: small
version: "1.0"
profile: small
model-paths: [models]
"""
PROFILE = """
small:
  target: here
  outputs:
    here: {type: duckdb, path: "PATH", threads: 1}
"""


def dbt_run(dbt: dbtRunner, project: Path, state: Path, number: int, rows: int) -> None:
    """A real run of dbt that builds one model over so many rows, and leaves its results as the platform's runs do."""
    folder = state / "dbt" / f"dbt_models-{number:07}-abc"
    where = ("--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(folder))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ROWS_OF_A_TEST", str(rows))
        assert dbt.invoke(["run", "--quiet", *where]).success


def test_a_model_that_dbt_itself_says_to_be_slow_is_named_and_one_that_varies_is_none(
    scope_of: ScopeOf, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "small"
    (project / "models").mkdir(parents=True)
    (project / "models" / "facts.sql").write_text(MODEL)
    (project / "dbt_project.yml").write_text(PROJECT)
    (project / "profiles.yml").write_text(PROFILE.replace("PATH", str(tmp_path / "small.duckdb")))
    scope = scope_of(DEFINITIONS)
    monkeypatch.setenv("ROWS_OF_A_TEST", "0")
    parsed = dbtRunner().invoke(["parse", "--quiet", "--project-dir", str(project), "--profiles-dir", str(project)])
    assert isinstance(parsed.result, Manifest)
    dbt = dbtRunner(manifest=parsed.result)
    for number, rows in enumerate((1_000, 200_000)):
        dbt_run(dbt, project, state, number, rows)
    assert found(slow_models(scope, longer_seconds=0.5)) == [], "more rows than usual, and still quick"
    dbt_run(dbt, project, state, 2, 150_000_000)
    assert found(slow_models(scope, longer_seconds=0.5)) == [("slow-dbt-model", "marts.facts")]
    assert "the median of 2 runs before is 0." in proof(slow_models(scope, longer_seconds=0.5))


def test_a_probe_that_breaks_is_named_and_keeps_no_other_from_looking(scope_of: ScopeOf) -> None:
    def broken(_: Scope) -> Iterator[Looked]:
        raise ValueError("no luck with postgresql://eve:hunter2@db/shop")

    told: list[str] = []
    probes = (Probe("the moon", broken), Probe("pools", lambda _: iter([Looked(0, "pools")])))
    report = look(scope_of(), told.append, probes)
    assert told == ["the moon", "pools"]
    assert missed(report.not_looked) == "the moon: ValueError: no luck with postgresql://…db/shop"
    assert (report.exit_code, report.looked) == (2, (Looked(0, "pools"),))


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2", "PGPASSWORD: hunter2", "https://x:hunter2@host/", "Bearer hunter2", "api_key = 'hunter2'",
        "Key (email)=(hunter2)", "hunter2@example.com", '{"client_secret": "hunter2"}',
    ],
)  # fmt: skip
def test_no_secret_and_no_personal_value_is_repeated(text: str) -> None:
    assert "hunter2" not in safe(f"it says {text} and more")
