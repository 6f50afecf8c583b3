"""Every kind of check has its names elsewhere, and every name elsewhere is one that is read."""

from typing import get_args

from dataeng_assets.contracts.checks.kinds import Check, Measure, Metric
from dataeng_assets.contracts.checks.names import KINDS, METRICS, UNSAID, Names
from dataeng_assets.contracts.convert.dbt_expectations import EXPECTATIONS as DBT_EXPECTATIONS
from dataeng_assets.contracts.convert.dbt_tests import TESTS
from dataeng_assets.contracts.convert.gx_expectations import EXPECTATIONS
from dataeng_assets.settings import ROOT

ROWS: list[Names] = [*KINDS.values(), *METRICS.values()]
NO_TESTS = {"check", "columns", "contract", "data_type", "foreign_key", "freshness", "primary_key"}


def test_every_kind_and_every_metric_has_a_row():
    assert {*KINDS, Measure} == set(get_args(Check))
    assert set(METRICS) == set(Metric)


def test_every_expectation_of_gx_core_is_named_and_read():
    assert {name for row in ROWS for name in row.gx} == set(EXPECTATIONS)
    assert len(EXPECTATIONS) == 60


def test_every_test_of_dbt_and_its_packages_is_named_and_read():
    named = {name for row in ROWS for name in row.dbt} - NO_TESTS
    named |= {f"dbt_utils.{name}" for row in ROWS for name in row.dbt_utils}
    own = {path.stem for path in (ROOT / "dbt" / "tests" / "generic").glob("*.sql")}
    assert named == set(TESTS) - own
    assert {name for row in ROWS for name in row.dbt_expectations} | set(UNSAID) == set(DBT_EXPECTATIONS)
