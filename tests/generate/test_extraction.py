"""The extraction that generated projects carry, run as it stands: late commits, proofs, refusals, repeated steps."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from made_pipelines import over_tables
from psycopg import sql

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.generate.extraction import folder_of, project_files
from dataeng_assets.generate.extraction.carried import from_postgres, to_duckdb
from dataeng_assets.generate.extraction.carried.errors import NotProven, Refused, Superseded
from dataeng_assets.generate.extraction.carried.plan import window_of
from dataeng_assets.generate.extraction.carried.steps import CheckFailed, Steps

pytestmark = pytest.mark.server

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: example.{name}
name: {name}
version: 1.0.0
status: active
domain: example
team:
  name: example
schema:
  - name: {name}
    physicalType: table
    logicalType: object
    description: Rows of {name}.
    properties:
      - {{name: id, logicalType: integer, physicalType: bigint, required: true, primaryKey: true, description: Id.}}
      - name: amount
        logicalType: number
        logicalTypeOptions: {{minimum: 0}}
        physicalType: numeric(12,2)
        description: How much.
      - {{name: said, logicalType: string, physicalType: text, classification: personal, description: Text.}}
{more}"""
MOVING = (
    "      - {name: updated_at, logicalType: timestamp, physicalType: timestamp with time zone, required: true, "
    "description: When.}\n"
)
SCHEMA = """
CREATE SCHEMA example;
CREATE TABLE example.moved (
  id bigint PRIMARY KEY, amount numeric(12,2), said text, updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE example.kept (id bigint PRIMARY KEY, amount numeric(12,2), said text);
INSERT INTO example.moved SELECT n, n / 7.0, 'row ' || n, now() - INTERVAL '1 day' FROM generate_series(1, 50) n;
INSERT INTO example.kept SELECT n, n, NULL FROM generate_series(1, 20) n;
"""


@dataclass
class Copy:
    """A generated project with its source and its DuckDB file."""

    steps: Steps
    url: str
    target: str
    staging: str
    runs: int = 0

    def extract(self, url: str = "", window: Any = None) -> dict[str, dict[str, Any]]:
        self.runs += 1
        return self.steps.extract(url or self.url, self.target, self.staging, f"run {self.runs}", window)

    def run(self, url: str = "", window: Any = None) -> dict[str, dict[str, Any]]:
        staged = self.extract(url, window)
        for one in staged.values():
            self.steps.load(self.target, one)
        return staged

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.target) as connection:
            return connection.execute(f"SELECT id, amount, said FROM example.{table} ORDER BY id").fetchall()

    def source(self, table: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(f"SELECT id, amount, said FROM example.{table} ORDER BY id").fetchall()

    def change(self, statement: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement)


@pytest.fixture
def copy(database: str, tmp_path: Path) -> Copy:
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA)
    contracts = []
    for name, more in (("moved", MOVING), ("kept", "")):
        contracts.append(tmp_path / f"{name}.yaml")
        contracts[-1].write_text(CONTRACT.format(name=name, more=more))
    pipeline = over_tables("airflow", *contracts, destination="duckdb", mode="incremental")
    for path, text in project_files(pipeline).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    steps = Steps(tmp_path / folder_of(pipeline), from_postgres.extract, to_duckdb.open_destination)
    return Copy(steps, database, str(tmp_path / "target.duckdb"), str(tmp_path / "staging"))


@pytest.fixture
def blind(copy: Copy) -> Iterator[str]:
    """The source's address for a role that may read and not see who else is writing."""
    parts = psycopg.conninfo.conninfo_to_dict(copy.url)
    role = f"blind_{parts['dbname']}"
    name = sql.Identifier(role)
    with psycopg.connect(copy.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'blind'").format(name))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA example TO {}").format(name))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA example TO {}").format(name))
    yield psycopg.conninfo.make_conninfo(copy.url, user=role, password="blind")
    with psycopg.connect(copy.url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
        connection.execute(sql.SQL("DROP ROLE {}").format(name))


@pytest.mark.parametrize("may_see", [True, False])
def test_a_row_committed_after_the_watermark_passed_arrives_in_the_next_run(
    copy: Copy, blind: str, may_see: bool
) -> None:
    url = copy.url if may_see else blind
    copy.run(url)
    with psycopg.connect(copy.url) as late:
        late.execute("UPDATE example.moved SET said = 'late', updated_at = now() WHERE id = 7")
        copy.change("INSERT INTO example.moved VALUES (100, 1, 'passes the watermark')")
        copy.run(url)
        assert (7, "late") not in [(one, said) for one, _, said in copy.rows("moved")]
        late.commit()
    staged = copy.run(url)
    assert copy.rows("moved") == copy.source("moved")
    assert staged["moved"]["method"] == ("open transactions" if may_see else "transaction numbers")
    assert staged["moved"]["rows"] < 50


def test_what_vanished_from_a_table_that_is_read_whole_is_removed(copy: Copy) -> None:
    copy.run()
    copy.change("DELETE FROM example.kept WHERE id = 3")
    copy.run()
    assert copy.rows("kept") == copy.source("kept")


def test_more_than_a_fifth_vanished_is_taken_for_a_mistake(copy: Copy) -> None:
    copy.run()
    copy.change("DELETE FROM example.kept WHERE id > 10")
    with pytest.raises(Refused, match="10 of 20 rows of kept would vanish"):
        copy.run()
    assert len(copy.rows("kept")) == 20


def test_a_window_is_read_again_and_moves_nothing(copy: Copy) -> None:
    copy.run()
    with duckdb.connect(copy.target) as connection:
        connection.execute("UPDATE example.moved SET said = 'spoilt' WHERE id = 5")
        connection.execute("UPDATE example.moved SET said = 'stays' WHERE id = 6")
    copy.change("UPDATE example.moved SET updated_at = '2020-01-01 12:00+00' WHERE id = 5")
    before = _position(copy)[1]
    copy.run(window=window_of("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"))
    assert _position(copy)[1] == before
    assert [said for one, _, said in copy.rows("moved") if one in (5, 6)] == ["row 5", "stays"]


def test_a_step_that_was_cut_off_after_its_commit_may_be_repeated(copy: Copy) -> None:
    staged = copy.extract()
    for _ in range(2):
        copy.steps.load(copy.target, staged["moved"])
    assert copy.rows("moved") == copy.source("moved")


def test_of_two_runs_that_overlap_the_later_load_is_refused(copy: Copy) -> None:
    copy.run()
    older = copy.extract()
    copy.change("UPDATE example.moved SET said = 'newer', updated_at = now() WHERE id = 9")
    copy.run()
    with pytest.raises(Superseded):
        copy.steps.load(copy.target, older["moved"])
    assert copy.rows("moved") == copy.source("moved")


def test_a_load_that_lost_rows_on_the_way_stores_nothing(copy: Copy) -> None:
    staged = copy.extract()
    with pytest.raises(NotProven, match="50 staged"):
        copy.steps.load(copy.target, {**staged["moved"], "rows": 51})
    assert copy.rows("moved") == []
    assert _position(copy) == [("kept", "{}"), ("moved", "{}")]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER TABLE example.moved ALTER amount TYPE numeric(14,4)", r"amount is numeric\(14,4\) in the source"),
        ("ALTER TABLE example.moved DROP amount", "amount is missing in the source"),
        ("ALTER TABLE example.moved RENAME TO gone", "example.moved is not in the source"),
        ("UPDATE example.moved SET updated_at = 'infinity' WHERE id = 3", "column updated_at"),
    ],
)
def test_a_source_that_cannot_be_carried_exactly_is_refused_by_name(copy: Copy, statement: str, said: str) -> None:
    copy.run()
    copy.change(statement)
    with pytest.raises(Refused, match=said):
        copy.run()


def test_a_key_that_stands_twice_is_refused(copy: Copy) -> None:
    copy.change("ALTER TABLE example.kept DROP CONSTRAINT kept_pkey; INSERT INTO example.kept VALUES (1, 2, 'again')")
    with pytest.raises(Refused, match="1 keys"):
        copy.run()


def test_a_broken_check_stops_before_the_models_are_built(copy: Copy) -> None:
    copy.change("UPDATE example.kept SET amount = -1 WHERE id = 2")
    copy.run()
    with pytest.raises(CheckFailed, match="kept/between__amount: 1 rows"):
        copy.steps.check(copy.target)


def test_models_leave_personal_columns_out(copy: Copy) -> None:
    copy.run()
    assert copy.steps.check(copy.target) == {}
    assert "dim_moved" in copy.steps.build(copy.target)
    with duckdb.connect(copy.target) as connection:
        names = [row[0] for row in connection.execute("DESCRIBE example.dim_moved").fetchall()]
    assert names == ["id", "amount", "updated_at"]
    assert load_contract(copy.steps.project / "contracts" / "moved.yaml").column("said").personal


def _position(copy: Copy) -> list[tuple[Any, ...]]:
    with duckdb.connect(copy.target) as connection:
        query = "SELECT table_name, position FROM example._extraction_progress ORDER BY ALL"
        return connection.execute(query).fetchall()
