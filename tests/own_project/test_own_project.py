"""From the sample to a project of one's own: take it out, discover a database, scaffold, copy, model.

The tests tell one story, in order, in a copy of the project.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from own_copy import Copy, copy_project

from dataeng_assets.local.postgres import Postgres
from dataeng_assets.testing.servers import new_database

pytestmark = [pytest.mark.interop, pytest.mark.timeout(3000)]

FOREIGN = """
create schema billing; create schema elsewhere;
create table elsewhere.other (id int primary key, updated_at timestamptz not null);
create type billing.state as enum ('open', 'paid');
create domain billing.cents as bigint check (value >= 0);
create table billing.customers (
    customer_id int primary key, email text not null, "Full Name" text, updated_at timestamptz not null);
comment on table billing.customers is 'Who is billed.';
comment on column billing.customers.customer_id is 'Number on every letter.';
create table billing.invoices (
    customer_id int not null, number int not null, state billing.state not null, amount billing.cents not null,
    shape point, updated_at timestamptz not null, primary key (customer_id, number));
create table billing.countries (code char(2) primary key, name text not null);
create table billing.notes (line text);
insert into billing.customers values (1, 'a@example.com', 'A', now()), (2, 'b@example.com', null, now());
insert into billing.invoices values
    (1, 1, 'paid', 1999, '(1,2)', now()), (1, 2, 'open', 500, null, now()), (2, 1, 'open', 0, null, now());
insert into billing.countries values ('DE', 'Germany'), ('FR', 'France');
"""

STAGING = """\
with newest as (
    {{ current_rows(source('bronze_billing', 'invoices'), key=['customer_id', 'number']) }}
)

select
    customer_id,
    number as invoice_number,
    amount
from newest
where state = 'open'
"""
STAGING_YAML = """\
version: 2
models:
  - name: stg_billing__open_invoices
    description: Invoices that are not paid.
    columns:
      - {name: customer_id, data_type: integer, description: "{{ doc('billing__invoices__customer_id') }}"}
      - {name: invoice_number, data_type: integer, description: "{{ doc('billing__invoices__number') }}"}
      - {name: amount, data_type: bigint, description: "{{ doc('billing__invoices__amount') }}", data_tests: [not_null]}
"""

MATERIALIZE = """
import json
from dataeng_assets.definitions import defs
from dataeng_assets.orchestration.lineage import materialize
from dataeng_assets.orchestration.runs import open_instance

states = materialize(defs(), open_instance(), lambda line: None)
print(json.dumps({state.key: [state.is_green, state.rows] for state in states}))
"""
ASSETS = """
import json
from dataeng_assets.definitions import defs

graph = defs().resolve_asset_graph()
print(json.dumps(sorted(key.to_user_string() for key in graph.get_all_asset_keys())))
"""


@pytest.fixture(scope="module")
def billing(postgres_server: Postgres) -> Iterator[str]:
    with new_database(postgres_server) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(FOREIGN)
        yield url


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, billing: str) -> Copy:
    copy = copy_project(tmp_path_factory.mktemp("a project") / "mine")
    first_day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    copy.settings.update(DATAENG_BILLING_URL=billing, DATAENG_FIRST_DAY=first_day, DAGSTER_HOME=str(copy.root))
    return copy


def last_line(text: str) -> str:
    """What a script prints at its end: servers of other libraries print as they go."""
    return [line for line in text.splitlines() if line.startswith(("{", "["))][-1]


def test_nothing_is_removed_over_changes_that_git_could_not_bring_back(project: Copy) -> None:
    project.write("mine.txt", "not committed")
    said = project.run("dataeng", "sample", "remove", "--yes", code=1)
    assert "mine.txt" in said
    assert "Nothing was changed." in said
    assert (project.root / "dataeng_assets" / "sample").exists()
    (project.root / "mine.txt").unlink()


def test_a_removed_sample_comes_back_by_git(project: Copy) -> None:
    said = project.run("dataeng", "sample", "remove", "--yes")
    assert "`git restore .`" in said
    assert not (project.root / "dataeng_assets" / "sample").exists()
    project.git("restore", ".")
    assert project.git("status", "--porcelain") == ""
    project.run("dataeng", "sample", "remove", "--yes")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "Start anew")


def test_without_the_sample_every_check_is_green(project: Copy) -> None:
    assert len(list(project.make("check"))) > 5


def test_without_the_sample_the_fast_tests_are_green_and_change_no_file_but_the_graph(project: Copy) -> None:
    # a quarter of the time goes into property tests, which are about values and not about a project
    with_less = replace(project, settings={**project.settings, "PYTEST_ADDOPTS": "--no-properties"})
    *_, said = with_less.make("test-fast")
    assert " passed" in said
    assert project.git("status", "--porcelain").split() == ["??", "tests/orchestration/graph.txt"]


def test_without_any_source_the_command_line_says_what_to_do_next(project: Copy) -> None:
    assert json.loads(last_line(project.python(ASSETS))) == ["operations/lake_files"]
    script = "from dataeng_assets.cli import app, services; services.up = lambda: None; app(['demo'])"
    assert "dataeng discover" in project.python(script)
    assert "sample" not in project.run("dataeng", "--help")


def test_a_foreign_database_becomes_a_source_that_is_checked_and_loads(project: Copy, billing: str) -> None:
    said = project.run("dataeng", "discover", billing, "--schema", "billing")
    assert "left out notes: no primary key" in said
    assert "left out invoices.shape: point" in said
    project.run("python", "-m", "dataeng_assets.contracts.dbt_export")
    project.write("dbt/models/staging/stg_billing__open_invoices.sql", STAGING)
    project.write("dbt/models/staging/_staging_billing.yml", STAGING_YAML)
    for check in (["yamllint", "."], ["sqlfluff", "lint", "dbt"], ["dg", "check", "yaml"]):
        project.run(*check)
    assert json.loads(last_line(project.python(ASSETS))) == [
        *(f"bronze/billing/{table}" for table in ("countries", "customers", "invoices")),
        "operations/lake_files",
        *(f"postgres/billing/{table}" for table in ("countries", "customers", "invoices")),
        "staging/stg_billing__open_invoices",
    ]


def test_it_is_copied_and_modelled(project: Copy) -> None:
    states = json.loads(last_line(project.python(MATERIALIZE)))
    assert states == {
        "bronze.billing.countries": [True, 2],
        "bronze.billing.customers": [True, 2],
        "bronze.billing.invoices": [False, 3],  # a warning: its column shape is not copied
        "operations.lake_files": [True, 1],  # looked at by the demo, when there was no source yet
        "staging.stg_billing__open_invoices": [True, 2],
    }
    rows = project.run("dataeng", "sql", "--csv", "from staging.stg_billing__open_invoices order by all")
    assert rows.splitlines()[-3:] == ["customer_id,invoice_number,amount", "1,2,500", "2,1,0"]


def test_what_is_scaffolded_beside_it_loads(project: Copy) -> None:
    for component, name in (("PostgresTablesComponent", "stock"), ("KafkaTopicComponent", "clicks")):
        project.run("dg", "scaffold", "defs", f"dataeng_assets.components.{component}", name)
    project.run("dg", "check", "yaml")
    assets = json.loads(last_line(project.python(ASSETS)))
    assert {"postgres/stock", "bronze/clicks/clicks", "bronze/billing/invoices"} <= set(assets)
