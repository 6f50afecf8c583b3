"""A foreign database and a topic become sources that load and are materialized, by one command each.

The tests tell one story, in order, in a copy of the project.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from own_copy import Copy, copy_project

from dataeng_assets.local.kafka import Kafka
from dataeng_assets.local.postgres import Postgres
from dataeng_assets.testing.servers import new_database

pytestmark = [pytest.mark.interop, pytest.mark.timeout(600)]

FOREIGN = """
create schema sales; create schema archive;
create table sales.customers (
    customer_id int primary key, email text not null, "Full Name" text, tier text not null,
    created_at timestamptz not null, updated_at timestamptz not null);
create table archive.customers (customer_id int primary key, note text, updated_at timestamptz not null);
create table sales."Orders" (
    "orderId" bigint primary key, customer_id int not null references sales.customers, "group" text,
    email text, total_amount numeric(12,2) not null, ordered_at timestamptz not null, updated_at timestamptz not null);
create table sales.visits (
    visit_id int not null, seconds int not null, started_at timestamptz not null, updated_at timestamptz not null,
    primary key (visit_id, started_at)) partition by range (started_at);
create table sales.visits_all partition of sales.visits default;
create table sales.order_lines (
    order_id bigint not null, line int not null, price numeric(12,2) not null, updated_at timestamptz not null,
    primary key (order_id, line));
create table sales.countries (code char(2) primary key, name text not null);
create table sales.teams (team_id int primary key, lead int, updated_at timestamptz not null);
create table sales.employees (
    employee_id int primary key, team_id int references sales.teams, updated_at timestamptz not null);
alter table sales.teams add foreign key (lead) references sales.employees;
create table sales.notes (line text);
create table sales."with space" (id int primary key);
create view sales.big_orders as select * from sales."Orders" where total_amount > 100;
insert into sales.customers values
    (1, 'a@example.com', 'A', 'gold', now() - interval '1 day', now()), (2, 'b@example.com', null, 'new', now(), now());
insert into sales."Orders" values
    (1, 1, 'x', 'a@example.com', 19.99, now() - interval '1 day', now()), (2, 1, null, null, 5, now(), now());
insert into sales.visits values (1, 30, now(), now());
insert into sales.order_lines values (1, 1, 19.99, now()), (2, 1, 5, now());
insert into sales.countries values ('DE', 'Germany'), ('FR', 'France');
insert into sales.teams values (1, null, now());
insert into sales.employees values (1, 1, now());
"""
CRM = ("--type", "dagster", "--name", "crm", "--schema", "sales", "--schedule", "30 4 * * *", "--output", ".")
ORDERS = "marts.fct_crm_orders"
COUNTED = {
    "orders": ORDERS, "customers": "marts.dim_crm_customers", "countries": "marts.dim_crm_countries",
    "visits": "marts.fct_crm_visits", "clicks": "marts.fct_clicks_clicks",
}  # fmt: skip
MATERIALIZE = """
import json
from dataeng_assets.definitions import defs
from dataeng_assets.orchestration.lineage import materialize
from dataeng_assets.orchestration.runs import open_instance

states = materialize(defs(), open_instance(), lambda line: None)
print(json.dumps({state.key: [state.is_green, state.rows] for state in states}))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, postgres_server: Postgres, kafka_broker: Kafka) -> Iterator[Copy]:
    copy = copy_project(tmp_path_factory.mktemp("a generated project") / "mine")
    copy.run("dataeng", "sample", "remove", "--yes")
    first_day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    with new_database(postgres_server) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(FOREIGN)
        copy.settings.update(
            DATAENG_CRM_URL=url, DATAENG_FIRST_DAY=first_day, DAGSTER_HOME=str(copy.root),
            DATAENG_KAFKA_BOOTSTRAP=kafka_broker.bootstrap,
        )  # fmt: skip
        yield copy


def last_line(text: str) -> str:
    """What a script prints at its end: servers of other libraries print as they go."""
    return [line for line in text.splitlines() if line.startswith(("{", "["))][-1]


def test_a_live_database_becomes_a_source_and_what_cannot_be_copied_is_told(project: Copy) -> None:
    said = project.run("dataeng", "generate", *CRM)
    for name in ("notes", "with space", "big_orders"):
        assert f"left out {name}: " in said
    assert "archive" not in said
    contracts = {path.stem for path in (project.root / "dataeng_assets/defs/crm/contracts").glob("*.yaml")}
    assert contracts == {"Orders", "countries", "customers", "employees", "order_lines", "teams", "visits"}


def test_a_table_that_cannot_be_copied_is_refused_by_name(project: Copy) -> None:
    said = project.run("dataeng", "generate", *CRM, "--tables", "customers,notes", code=2)
    assert "The table notes of sales cannot be copied: no primary key" in said


def test_the_same_call_changes_nothing_and_a_changed_source_shows_what_would_change(project: Copy) -> None:
    project.git("add", "--all")
    assert "Nothing to change" in project.run("dataeng", "generate", *CRM)
    assert project.git("diff", "--name-only") == ""
    with psycopg.connect(project.settings["DATAENG_CRM_URL"], autocommit=True) as connection:
        connection.execute("alter table sales.teams add title text")
    assert "+    title," in project.run("dataeng", "generate", *CRM, "--diff")
    said = project.run("dataeng", "generate", *CRM)
    assert "written anew: dbt/models/staging/stg_crm__teams.sql" in said


def test_no_address_stands_in_a_file(project: Copy) -> None:
    host = project.settings["DATAENG_CRM_URL"].partition("//")[2]
    written = json.loads((project.root / ".dataeng-generated.json").read_text())["extract_crm"]
    assert len(written) > 15
    assert [name for name in written if host in (project.root / name).read_text()] == []


def test_a_topic_becomes_a_source_with_models(project: Copy) -> None:
    project.run("dg", "scaffold", "defs", "dataeng_assets.components.KafkaTopicComponent", "clicks")
    project.run("dataeng", "generate", "--type", "dagster", "--source", "kafka", "--name", "clicks", "--output", ".")
    bootstrap = project.settings["DATAENG_KAFKA_BOOTSTRAP"]
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic("clicks", 1, 1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    event = {"user_id": 1, "event_type": "created", "occurred_at": datetime.now(UTC).isoformat()}
    for number in (1, 2, 2):
        event["event_id"] = f"00000000-0000-4000-8000-00000000000{number}"
        producer.send("clicks", json.dumps(event).encode())
    producer.close()


def test_what_was_generated_is_checked_and_loads(project: Copy) -> None:
    project.run("python", "-m", "dataeng_assets.contracts.dbt_export")
    project.run("dataeng", "prepare")
    models = ("staging/stg_crm__orders.sql", "marts/fct_crm_orders.sql")
    project.run("sqlfluff", "lint", *(f"dbt/models/{model}" for model in models))
    assert "Validation successful" in project.run("dagster", "definitions", "validate")


def test_what_was_generated_is_materialized(project: Copy) -> None:
    states = json.loads(last_line(project.python(MATERIALIZE)))
    assert [key for key, (is_green, _) in states.items() if not is_green] == []
    assert {"gold.fct_crm_orders", "gold.fct_crm_visits", "gold.fct_clicks_clicks"} <= set(states)
    counts = ", ".join(f"(select count(*) from {table}) as {name}" for name, table in COUNTED.items())
    told = project.run("dataeng", "sql", "--csv", f"select {counts}, (select sum(total_amount) from {ORDERS}) as total")
    assert told.splitlines()[-2:] == ["orders,customers,countries,visits,clicks,total", "2,2,2,1,2,24.99"]
