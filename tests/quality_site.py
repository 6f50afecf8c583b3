"""A month of results and metrics in a lake, for the tests of the site: good tables, bad ones, nasty names."""

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from quality_results import DOUBLED, HELD, NOW, OLD, RANGE, ROWS, SUITE, UNDECIDED, table

from dataeng_assets.contracts.checks.kinds import Measure, Metric
from dataeng_assets.contracts.checks.rule import Bounds, Rule, Suite
from dataeng_assets.lake.location import Lake
from dataeng_assets.quality.anomalies import history
from dataeng_assets.quality.anomalies.measure import Measurement
from dataeng_assets.quality.report.gather import stories
from dataeng_assets.quality.report.site import pages, write
from dataeng_assets.quality.report.story import Known
from dataeng_assets.quality.results import RuleResult, Sample, Status, TableResult
from dataeng_assets.quality.results_store import record

HOSTILE = """<script>alert('x')</script> "quoted" & 'single' <img src=x onerror=alert(1)>/../../etc"""
MADE_AT = NOW + timedelta(hours=2)
FRESH = RuleResult(
    Rule(Measure(Metric.HOURS_OLD, "ordered_at"), "fresh", Bounds(upper=26)), Status.HOLDS, 3.5, reason="3.5 hours old."
)
VIEW = "staging.stg_shop__product_categories_history"
PLATFORM = {
    "bronze.shop.orders": Known((), "shop-platform", "Every version of an order.", "shop"),
    "bronze.shop.order_items": Known((), "shop-platform", "Every version of a line.", "shop"),
    "staging.stg_shop__orders": Known(("bronze.shop.orders",), "analytics", "", "staging"),
    "staging.stg_shop__order_items": Known(("bronze.shop.order_items",), "analytics", "", "staging"),
    VIEW: Known(("bronze.shop.order_items",), "analytics", "Every version of a category.", "staging"),
    "marts.fct_orders": Known(
        ("staging.stg_shop__orders", "staging.stg_shop__order_items"), "analytics", "One row per order.", "marts"
    ),
    "marts.dim_customers": Known(("bronze.shop.orders",), "analytics", "", "marts"),
    "gold.fct_orders": Known(("marts.fct_orders",), "analytics", "", "gold"),
    HOSTILE: Known(("marts.fct_orders",), HOSTILE, HOSTILE, HOSTILE),
}


def example_site(folder: Path) -> Path:
    """A site in `folder/site`, from a lake beside it; its first page."""
    lake = Lake(str(folder / "lake"))
    for days_ago in range(29, -1, -1):
        _day(lake, days_ago)
    found = stories(lake, PLATFORM, now=MADE_AT)
    return write(folder / "site", pages(found, PLATFORM, made_at=MADE_AT))


def _day(lake: Lake, days_ago: int) -> None:
    orders = [HELD, FRESH, ROWS]
    if days_ago in (0, 11, 12):
        orders = [HELD, RANGE, DOUBLED, OLD, ROWS]
    if days_ago == 20:
        orders = [UNDECIDED, FRESH]
    rows = round(1000 + 80 * math.sin(days_ago) - (0 if days_ago else 420))
    at = {
        "marts.fct_orders": _moved(
            table(*orders, rows=rows, days_ago=days_ago), days_ago, 30.5 if OLD in orders else 3.5
        ),
        "bronze.shop.orders": _moved(
            table(HELD, FRESH, rows=41_200 + 310 * (29 - days_ago), days_ago=days_ago, suite=_suite("orders")),
            days_ago,
            1.2,
        ),
        "gold.fct_orders": _moved(
            table(HELD, replace(OLD), days_ago=days_ago, suite=_suite("fct_orders")), days_ago, 27
        ),
    }
    if days_ago < 3:
        at[HOSTILE] = table(_hostile(), rows=7, suite=_hostile_suite(), days_ago=days_ago)
    if days_ago < 2:
        view = replace(table(HELD, rows=35, days_ago=days_ago), columns=(), data_version="bronze.shop.order_items 7")
        at[VIEW] = replace(view, suite=_suite("history"), freshest=None)
    if days_ago % 2:
        at.pop("gold.fct_orders")
    record(lake, at, run_id=f"run-{days_ago}")
    for key, result in at.items():
        if key == VIEW:
            continue  # nobody measures views
        freshest = result.freshest[1] if result.freshest else result.judged_at
        found = [
            Measurement("row_count", float(result.rows)),
            Measurement("hours_old", (result.judged_at - freshest).total_seconds() / 3600),
            Measurement("null_share", 0.02 + 0.003 * math.cos(days_ago), "email"),
            Measurement("mean", 48 + 2 * math.sin(days_ago * 2), "net_amount"),
        ]
        history.record(lake, history.Taken(key, found, result.judged_at), run_id=f"run-{days_ago}")


def _moved(result: TableResult, days_ago: int, hours: float) -> TableResult:
    age = timedelta(hours=hours + 0.4 * math.sin(days_ago))
    version = f"version {30 - days_ago}"
    return replace(result, freshest=("ordered_at", result.judged_at - age), data_version=version)


def _suite(name: str) -> Suite:
    return replace(SUITE, name=name, id=f"shop.{name}", version="1.0.0", owner="shop-platform", consumers=(), sla={})


def _hostile() -> RuleResult:
    sample = Sample({HOSTILE: HOSTILE}, {"x": HOSTILE, "y": None})
    rule = replace(RANGE.rule, name=HOSTILE, description=HOSTILE)
    return replace(RANGE, rule=rule, reason=HOSTILE, next_step=HOSTILE, samples=(sample,), numbers={HOSTILE: HOSTILE})


def _hostile_suite() -> Suite:
    columns = (replace(SUITE.columns[0], name=HOSTILE, description=HOSTILE, physical=HOSTILE),)
    return replace(SUITE, name=HOSTILE, id=HOSTILE, version=HOSTILE, owner=HOSTILE, columns=columns, key=(HOSTILE,))
