"""A source is declared from what its catalog says of it; what cannot be copied is named, with the reason."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import yaml
from typer.testing import CliRunner

from dataeng_assets.cli import app
from dataeng_assets.contracts.checks.kinds import NotNull, OneOf, Unique
from dataeng_assets.contracts.convert.odcs_options import elements_one_of
from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.contracts.model import Contract
from dataeng_assets.extract.discover import source_name
from dataeng_assets.postgres.connect import without_password

FOREIGN = """
create schema crm; create schema other;
create table other.elsewhere (id int primary key);
create type crm.mood as enum ('no', 'good', 'very good');
create domain crm.score as smallint check (value >= 0);
create domain crm.known as crm.mood not null;
create table crm."Accounts" (
    id bigint generated always as identity primary key, email text not null unique, nick text unique, mood crm.mood,
    moods crm.mood[] not null, known crm.known, score crm.score, balance numeric(10,2) not null,
    doubled numeric(11,2) generated always as (balance * 2) stored, at_home inet, location point, _hidden int,
    "Full Name" text, changed_at timestamptz not null);
comment on table crm."Accounts" is 'Who buys
   {{ from }} us.';
comment on column crm."Accounts".balance is 'What they owe, in euros.';
create table crm.visits (
    account_id bigint not null, day date not null, pages int, changed_at timestamptz not null,
    primary key (day, account_id)) partition by range (day);
create table crm.visits_2026 partition of crm.visits for values from ('2026-01-01') to ('2027-01-01');
create table crm.letters (code text not null, updated_at timestamptz not null, unique (code));
create table crm.countries (code char(2) primary key, name text, updated_at timestamp not null, changed_at timestamptz);
create table crm.log (line text);
create table crm.prices (price money primary key);
create table crm."odd name" (id int primary key);
create view crm.rich as select * from crm."Accounts";
"""


@pytest.fixture
def foreign(database: str) -> str:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(FOREIGN)
    return database


def dataeng(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["discover", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


@pytest.fixture
def discovered(foreign: str, tmp_path: Path) -> tuple[str, dict[str, Contract], dict]:
    said = dataeng(foreign, "--schema", "crm", "--output", str(tmp_path / "crm"))
    declared = yaml.safe_load((tmp_path / "crm" / "defs.yaml").read_text())
    return said, load_contracts(tmp_path / "crm" / "contracts"), declared


@pytest.mark.server
def test_columns_are_what_the_catalog_says(discovered):
    accounts = discovered[1]["Accounts"]
    assert [(c.name, c.physical, c.nullable) for c in accounts.columns] == [
        ("id", "bigint", False),
        ("email", "text", False),
        ("nick", "text", True),
        ("mood", "crm.mood", True),
        ("moods", "crm.mood[]", False),
        ("known", "crm.mood", False),
        ("score", "smallint", True),
        ("balance", "numeric(10,2)", False),
        ("doubled", "numeric(11,2)", True),
        ("at_home", "inet", True),
        ("Full Name", "text", True),
        ("changed_at", "timestamp with time zone", False),
    ]
    labels = ("no", "good", "very good")
    checks = [rule.check for rule in accounts.rules]
    assert {OneOf("mood", labels), OneOf("known", labels), elements_one_of("moods", labels)} <= set(checks)
    assert [check.column for check in checks if isinstance(check, NotNull)] == [
        column.name for column in accounts.columns if not column.nullable
    ]
    assert [check.columns for check in checks if isinstance(check, Unique)] == [("id",), ("email",), ("nick",)]
    assert accounts.column("email").personal
    assert not accounts.column("balance").personal


@pytest.mark.server
def test_comments_describe_and_what_has_none_says_so(discovered):
    accounts = discovered[1]["Accounts"]
    assert accounts.description == "Who buys { { from } } us."
    assert accounts.column("balance").description == "What they owe, in euros."
    assert accounts.column("mood").description == "Column mood of crm.Accounts; not described there yet."
    assert (accounts.owner, accounts.domain, accounts.freshness) == ("data", "crm", timedelta(hours=26))


@pytest.mark.server
def test_a_partitioned_table_is_one_table_and_keys_keep_their_order(discovered):
    contracts = discovered[1]
    assert {name: contract.key for name, contract in contracts.items()} == {
        "Accounts": ("id",),
        "countries": ("code",),
        "letters": ("code",),
        "visits": ("day", "account_id"),
    }


@pytest.mark.server
def test_the_watermark_is_the_one_of_most_tables_and_the_others_say_what_differs(discovered):
    said, _, declared = discovered
    assert declared["type"] == "dataeng_assets.components.PostgresTablesComponent"
    assert declared["attributes"] == {
        "source": "crm",
        "url_variable": "DATAENG_CRM_URL",
        "db_schema": "crm",
        "watermark": "changed_at",
        "tables": {"countries": {"mode": "full"}, "letters": {"watermark": "updated_at"}},
    }
    assert "countries.changed_at: no watermark: it may be NULL" in said
    assert "countries.updated_at: no watermark: it is a timestamp without time zone" in said


@pytest.mark.server
def test_what_cannot_be_copied_is_named_with_the_reason_and_the_rest_is_written(discovered):
    said, contracts, _ = discovered
    assert "left out log: no primary key" in said
    assert "left out prices: price, a part of its key, cannot be carried: money:" in said
    assert "left out odd name: its name is more than letters" in said
    assert "left out rich: a view has no key" in said
    assert "left out Accounts.location: point: not in the type table" in said
    assert "left out Accounts._hidden: names with an underscore" in said
    assert "Without location (point: not in the type table)" in contracts["Accounts"].path.read_text()


@pytest.mark.server
def test_the_address_is_written_nowhere(foreign, tmp_path):
    password = psycopg.conninfo.conninfo_to_dict(foreign)["password"]
    said = dataeng(foreign, "--schema", "crm", "--output", str(tmp_path))
    assert "DATAENG_CRM_URL=postgresql://dataeng:<password>@127.0.0.1:" in said
    for text in (said, *(path.read_text() for path in tmp_path.rglob("*.yaml"))):
        assert password not in text


@pytest.mark.server
def test_a_file_that_is_there_is_kept(foreign, tmp_path):
    dataeng(foreign, "--schema", "crm", "--output", str(tmp_path), "--tables", "letters,visits")
    declared = (tmp_path / "defs.yaml").read_text()
    letters = tmp_path / "contracts" / "letters.yaml"
    mine = letters.read_text().replace("name: data", "name: mine")
    letters.write_text(mine)
    said = dataeng(foreign, "--schema", "crm", "--output", str(tmp_path))
    assert letters.read_text() == mine
    assert (tmp_path / "contracts" / "Accounts.yaml").exists()
    assert "2 files written" in said
    assert "kept as it was" in said
    assert (tmp_path / "defs.yaml").read_text() == declared
    assert (
        "lines for defs.yaml, which was kept as it was: tables: Accounts: watermark: changed_at countries: mode: full"
        in said
    )
    dataeng(foreign, "--schema", "crm", "--output", str(tmp_path), "--force")
    assert letters.read_text() != mine


@pytest.mark.server
def test_a_folder_that_declares_something_else_is_left_alone(foreign, tmp_path):
    (tmp_path / "defs.yaml").write_text("type: dataeng_assets.components.KafkaTopicComponent\nattributes: {topic: t}\n")
    said = dataeng(foreign, "--schema", "crm", "--output", str(tmp_path), code=1)
    assert "declares something else" in said
    assert [path.name for path in tmp_path.iterdir()] == ["defs.yaml"]


@pytest.mark.server
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--schema", "nowhere"], "There is no schema nowhere that this role may use."),
        (["--schema", "crm", "--tables", "letters,lettres"], "There is no table lettres in crm."),
        (["--schema", "crm", "--tables", "log"], "Nothing of crm can be copied as it is; nothing was written."),
    ],
)
def test_when_there_is_nothing_to_write_it_says_so_and_fails(foreign, tmp_path, arguments, said):
    assert said in dataeng(foreign, *arguments, "--output", str(tmp_path / "crm"), code=1)
    assert not (tmp_path / "crm").exists()


def test_an_address_that_does_not_answer_is_an_error_without_the_password():
    said = dataeng("postgresql://me:secret@127.0.0.1:1/crm", code=1)
    assert "127.0.0.1:1/crm cannot be reached" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@db.example:5432/crm", "postgresql://me:<password>@db.example:5432/crm"),
        ("postgresql://db.example/crm?password=secret&sslmode=require", "postgresql://db.example/crm?sslmode=require"),
        ("host=/run/pg port=1 dbname=crm user=me password=secret", "postgresql://me:<password>@/crm?host=%2Frun%2Fpg&port=1"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_password(url, shown):
    assert without_password(url) == shown
    assert psycopg.conninfo.conninfo_to_dict(shown)["dbname"] == "crm"


@pytest.mark.parametrize(
    ("schema", "database", "name"),
    [("sales", "x", "sales"), ("public", "My-CRM", "my_crm"), ("2026", "x", "source_2026"), ("ü", "x", "source")],
)
def test_a_source_is_called_like_its_schema_or_database(schema, database, name):
    assert source_name(schema, database) == name
