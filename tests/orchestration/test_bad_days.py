"""Which days are bad, when tests of a dbt run have failed."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataeng_assets.orchestration.ledger.hold import bad_days

DAYS = date(2026, 1, 1), date(2026, 1, 3)
OF_THE_DAYS = "select * from fct where day >= '2026-01-01' and day < '2026-01-04' and not good"


def model(name: str, *tags: str) -> dict[str, Any]:
    return {"fqn": ["dataeng", "marts", name], "name": name, "tags": tags, "config": {}}


def judging(name: str) -> dict[str, Any]:
    return {"config": {}, "attached_node": f"model.{name}", "depends_on": {"nodes": [f"model.{name}"]}}


MANIFEST = {
    "nodes": {
        "model.fct": model("fct", "daily"),
        "model.dim": model("dim"),
        "test.fct": judging("fct"),
        "test.dim": judging("dim"),
    }
}


def failed(test: str, sql: str) -> dict[str, str]:
    return {"unique_id": test, "status": "fail", "compiled_code": sql}


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "create table fct as from (values (date '2026-01-01', true), ('2026-01-02', false), ('2026-01-03', true)) "
            "t(day, good)"
        )
    return file


def test_the_days_are_found_by_asking_the_test_again_for_each(warehouse: Path) -> None:
    found = bad_days(warehouse, MANIFEST, [failed("test.fct", OF_THE_DAYS)], DAYS)
    assert found == {"marts.fct": (date(2026, 1, 2),)}


def test_a_test_of_an_undated_model_that_failed_as_well_hides_no_bad_day(warehouse: Path) -> None:
    results = [failed("test.dim", "select 1"), failed("test.fct", OF_THE_DAYS)]
    assert bad_days(warehouse, MANIFEST, results, DAYS) == {"marts.fct": (date(2026, 1, 2),)}
    assert bad_days(warehouse, MANIFEST, results[:1], DAYS) == {}


def test_no_day_is_called_bad_when_a_test_cannot_be_asked_by_day(warehouse: Path) -> None:
    results = [failed("test.fct", OF_THE_DAYS), failed("test.fct", "select * from fct where not good")]
    assert bad_days(warehouse, MANIFEST, results, DAYS) == {}
