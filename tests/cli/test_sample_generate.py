"""`dataeng generate` at the command line: where files go, what is told, and the exit codes."""

import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from typer.testing import CliRunner, Result

from dataeng_assets.cli import app
from dataeng_assets.generate.request import Kind


def run(*options: str, given: str = "") -> Result:
    return CliRunner().invoke(app, ["generate", "--type", "dagster", *options], input=given)


def test_without_an_output_the_files_are_printed_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("--tables", "orders,customers")
    assert done.exit_code == 0
    assert "=== dbt/models/marts/fct_shop_orders.sql\n" in done.stdout
    assert "payments" not in done.stdout.partition("=== dbt")[2]
    assert list(tmp_path.iterdir()) == []


def test_a_reader_who_has_seen_enough_hears_no_complaint() -> None:
    called = "import sys; from dataeng_assets.cli import app; app(sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", called, "generate", "--type", "airflow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as listing:
        assert listing.stdout
        assert listing.stderr
        listing.stdout.close()
        assert listing.stderr.read() == b""


def test_a_dry_run_says_what_would_be_written(tmp_path: Path) -> None:
    done = run("--tables", "orders", "--output", str(tmp_path / "out"), "--dry-run")
    assert done.exit_code == 0
    assert f"new: {tmp_path}/out/dataeng_assets/defs/shop/contracts/orders.yaml" in done.stdout
    assert not (tmp_path / "out").exists()


def test_an_edited_file_is_left_and_told_by_the_exit_code(tmp_path: Path) -> None:
    options = ("--tables", "orders", "--output", str(tmp_path))
    written = run(*options)
    assert written.exit_code == 0
    assert written.stdout.endswith(f"What to do next: {tmp_path}/dataeng_assets/defs/shop/README.md\n")
    assert "Nothing to change" in run(*options).stdout
    edited = tmp_path / "dataeng_assets/defs/shop/README.md"
    edited.write_text("mine\n")
    assert run(*options).exit_code == 0  # nothing new for it
    done = run(*options, "--owner", "shop-platform")
    assert done.exit_code == 1
    assert f"left as it is: {edited}" in done.stderr
    assert "shop-platform" in run(*options, "--owner", "shop-platform", "--diff").stdout
    assert edited.read_text() == "mine\n"
    assert run(*options, "--owner", "shop-platform", "--overwrite").exit_code == 0
    assert "shop-platform" in edited.read_text()


def test_the_declaration_of_a_source_stays_as_a_person_wrote_it(tmp_path: Path) -> None:
    from dataeng_assets.settings import ROOT

    run("--output", str(tmp_path))
    there = ROOT / "dataeng_assets" / "defs" / "shop"
    written = tmp_path / "dataeng_assets" / "defs" / "shop"
    assert (written / "defs.yaml").read_text() == (there / "defs.yaml").read_text()
    for path in (there / "contracts").glob("*.yaml"):
        assert (written / "contracts" / path.name).read_text() == path.read_text()
    run("--output", str(tmp_path), "--schedule", "30 4 * * *")
    assert '  schedule: "30 4 * * *"\n' in (written / "defs.yaml").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--tables", "order"), "there is no such table in the contracts of shop. Did you mean 'orders'?"),
        (("--tables", "orders,orders"), "--tables names orders twice"),
        (("--tables", ","), "names no table"),
        (("--tables", "hr.staff,hr.posts"), "Ask for --name hr --schema hr --tables staff,posts."),
        (("--tables", "hr.staff,crm.staff"), "--schema hr --tables staff; then --name crm --schema crm --tables staff"),
        (("--diff",), "say where with --output"),
        (("--name", "shopp"), "DATAENG_SHOPP_URL"),
        (("--tables", "orders", "--watermark", "update_at"), "no such column. Did you mean 'updated_at'?"),
        (("--tables", "orders", "--watermark", "status"), "it is a shop.order_status and no timestamp with time zone"),
        (("--tables", "orders", "--watermark", "shipped_at"), "it may be NULL"),
        (("--source", "kafka", "--name", "event"), "Did you mean 'events'?"),
        (("--schedule", "whenever"), "1 fields and not 5"),
        (("--schedule", ""), "--schedule was given nothing. Leave it out"),
        (("--tier", "3", "--name", "shop", "--schema", "public"), "Leave --schema out: shop is declared"),
        (("--output", "/proc/nothing"), "--output"),
    ],
)
def test_what_does_not_exist_ends_with_2_and_what_is_nearest(options: tuple[str, ...], said: str) -> None:
    done = run(*options)
    assert done.exit_code == 2, done.output
    assert said in done.stderr


def test_the_third_tier_opens_no_connection() -> None:
    with mock.patch("psycopg.connect") as connect:
        assert run("--tables", "orders", "--tier", "3").exit_code == 0
        done = run("--name", "crm", "--schema", "sales", "--tier", "3")
        assert not connect.called
    assert done.exit_code == 2
    assert "--tier 3 opens no connection" in done.stderr


def test_the_first_tier_deploys_into_this_project_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run("--tables", "orders", "--tier", "1", "--output", str(tmp_path))
    assert done.exit_code == 2
    assert "--tier 1 deploys into this project" in done.stderr
    monkeypatch.setenv("DATAENG_ENV", "prod")
    assert "DATAENG_ENV is prod" in run("--tables", "orders", "--tier", "1", "--output", str(tmp_path)).stderr
    assert list(tmp_path.iterdir()) == [], "it is refused before anything is written"


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.DAGSTER, Kind.AIRFLOW)])
def test_the_first_tier_is_refused_for_what_has_no_development_to_deploy_to(tmp_path: Path, kind: Kind) -> None:
    done = run("--type", kind, "--tier", "1", "--output", str(tmp_path))
    assert done.exit_code == 2
    assert f"--tier 1 does not deploy --type {kind}. Ask for --tier 2; then " in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def airflow_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [one for one in os.environ if one.startswith("AIRFLOW")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    (tmp_path / "airflow").mkdir()
    return tmp_path / "airflow"


def test_the_first_tier_copies_a_dag_and_leaves_what_was_edited_there(tmp_path: Path, airflow_home: Path) -> None:
    options = ("--type", "airflow", "--tables", "orders", "--tier", "1", "--output", str(tmp_path / "out"))
    done = run(*options)
    assert done.exit_code == 0, done.output
    deployed = airflow_home / "dags" / "extract_shop.py"
    assert f"deployed: {deployed}" in done.stdout
    assert deployed.read_text() == (tmp_path / "out" / "extract_shop.py").read_text()
    deployed.write_text("mine\n")
    done = run(*options, "--owner", "somebody")
    assert f"edited by a person, and left as it is: {deployed}" in done.stdout
    assert deployed.read_text() == "mine\n"


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ("sql_alchemy_conn = postgresql://airflow:hush@db/airflow", "the file"),
        ("sql_alchemy_conn_secret = of-the-vault", "the file"),
        ("postgresql://airflow:hush@db/airflow", "the environment"),
    ],
)
def test_the_first_tier_touches_no_airflow_that_may_be_production(
    tmp_path: Path, airflow_home: Path, monkeypatch: pytest.MonkeyPatch, said: str, where: str
) -> None:
    config = said if where == "the file" else "sql_alchemy_conn = sqlite:////var/airflow.db"
    (airflow_home / "airflow.cfg").write_text(f"[database]\n{config}\n")
    if where == "the environment":
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", said)
    done = run("--type", "airflow", "--tier", "1", "--output", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert "it may be production. Ask for --tier 2" in done.stderr
    assert "hush" not in done.output
    assert not (tmp_path / "out").exists()
    assert not (airflow_home / "dags").exists()


def test_the_first_tier_says_which_airflow_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    options = ("--type", "airflow", "--tier", "1", "--output", str(tmp_path / "out"))
    assert "AIRFLOW_HOME names, and it is not set" in run(*options).stderr
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "nowhere"))
    assert "there is no such folder" in run(*options).stderr
