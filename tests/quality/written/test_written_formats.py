"""What each format says of results: every outcome, the numbers, the samples, and what was not executed."""

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given
from quality_results import (
    DOUBLED,
    EVERY_KIND,
    FORMATS,
    HELD,
    NOTHING,
    OLD,
    RANGE,
    ROWS,
    SUITE,
    UNDECIDED,
    any_table,
    table,
)

from dataeng_assets.contracts.checks.kinds import NotNull
from dataeng_assets.contracts.checks.rule import NotExecuted, Rule
from dataeng_assets.quality.results import Overall, RuleResult, Status
from dataeng_assets.quality.written.json_report import json_report
from dataeng_assets.quality.written.junit import junit
from dataeng_assets.quality.written.markdown import markdown
from dataeng_assets.quality.written.sarif import sarif
from dataeng_assets.quality.written.table import table as write_table
from dataeng_assets.quality.written.words import number, share, together
from dataeng_assets.settings import ROOT

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((ROOT / "docs" / "reference" / "report.schema.json").read_text()),
    format_checker=jsonschema.FormatChecker(),
)


def test_the_json_of_a_table_has_what_the_schema_promises():
    report = json.loads(json_report([table(*EVERY_KIND)]))
    SCHEMA.validate(report)
    assert (report["table"], report["timestamp"], report["overall_status"]) == (
        "fct_orders",
        "2026-11-20T06:00:00Z",
        "violated",
    )
    checks = report["checks"]
    assert checks["row_count"] == {"value": 1000, "status": "holds"}
    assert checks["freshness"] == {
        "column": "ordered_at",
        "max_timestamp": "2026-11-18T23:30:00Z",
        "hours_old": 30.5,
        "status": "violated",
    }
    assert checks["null_rates"] == {"order_id": 0.0, "email": 0.25}
    assert checks["duplicates"]["value"] == 3
    assert checks["duplicates"]["by_rule"]["order_id_unique"]["rows_involved"] == 5
    assert (checks["net_amount_range"]["value"], checks["net_amount_range"]["status"]) == (12, "violated")
    assert checks["net_amount_range"]["samples"][0]["values"] == {"net_amount": "-4.50", "email": None}
    assert checks["fresh"]["bounds"]["upper"] == 26.0


def test_a_rule_called_like_a_standing_entry_does_not_replace_it():
    report = json.loads(json_report([table(ROWS, replace(HELD, rule=Rule(NotNull("a"), "null_rates")))]))
    assert report["checks"]["row_count"]["value"] == 1000
    assert report["checks"]["rule:row_count"]["rule"] == "row_count"
    assert report["checks"]["rule:null_rates"]["kind"] == "not_null"
    assert report["checks"]["null_rates"]["email"] == 0.25


def test_several_tables_are_a_list_and_none_is_undecided():
    several = json.loads(json_report([table(HELD), table(OLD)]))
    SCHEMA.validate(several)
    assert several["overall_status"] == "warning"
    assert [one["overall_status"] for one in several["tables"]] == ["holds", "warning"]
    none = json.loads(json_report([]))
    SCHEMA.validate(none)
    assert none == {"tables": [], "overall_status": "undecided"}


@given(any_table())
def test_any_table_fits_the_schema(found):
    SCHEMA.validate(json.loads(json_report([found])))


@pytest.mark.parametrize(
    ("worst", "results"),
    [
        (Overall.VIOLATED, [table(RANGE), table(UNDECIDED), table(HELD)]),
        (Overall.UNDECIDED, [table(UNDECIDED), table(OLD)]),
        (Overall.WARNING, [table(OLD), table(HELD)]),
        (Overall.HOLDS, [table(HELD)]),
        (Overall.UNDECIDED, []),
    ],
)
def test_the_worst_table_decides(worst, results):
    assert together(results) is worst


def test_junit_tells_a_violation_from_an_error_and_a_warning():
    root = ET.fromstring(junit([table(*EVERY_KIND)]))
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "8",
        "failures": "2",
        "errors": "1",
        "skipped": "2",
    }
    cases = {case.get("name"): case for case in root.iter("testcase")}
    failure = cases["net_amount_range"].find("failure")
    assert failure is not None
    assert failure.get("message") == "12 of 1,000 rows lie below 0."
    assert "order_id=4, net_amount=-4.50, email=NULL" in (failure.text or "")
    assert (cases["net_amount_range"].get("file"), cases["net_amount_range"].get("line")) == (
        "contracts/fct_orders.yaml",
        "31",
    )
    assert cases["gone_not_null"].find("error") is not None
    assert cases["note_not_null"].find("skipped") is not None
    assert cases["fresh"].find("failure") is None
    assert (cases["fresh"].findtext("system-out") or "").startswith("warning: The newest row is 30.5 hours old.")
    assert cases["not executed: contracts/fct_orders.yaml:40"].find("skipped") is not None


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_input_is_green_in_no_format(name):
    written = FORMATS[name]([table(NOTHING, rows=0)])
    assert "undecided" in written
    if name == "junit":
        assert ET.fromstring(written).get("errors") == "1"
    if name == "sarif":
        assert json.loads(written)["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_sarif_has_the_structure_that_2_1_0_demands():
    whole = json.loads(sarif([table(*EVERY_KIND)]))
    assert (whole["version"], len(whole["runs"])) == ("2.1.0", 1)
    run = whole["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(EVERY_KIND)
    assert [(one["ruleId"], one["kind"], one["level"]) for one in run["results"]] == [
        ("fct_orders/net_amount_range", "fail", "error"),
        ("fct_orders/order_id_unique", "fail", "error"),
        ("fct_orders/fresh", "fail", "warning"),
        ("fct_orders/note_not_null", "notApplicable", "none"),
        ("fct_orders/gone_not_null", "open", "none"),
    ]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    first = run["results"][0]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "contracts/fct_orders.yaml"},
        "region": {"startLine": 31},
    }
    assert first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "fct_orders.net_amount"
    assert first["analysisTarget"] == {"uri": "data/orders%202026.parquet"}
    assert run["invocations"][0]["toolConfigurationNotifications"][0]["level"] == "warning"


@pytest.mark.parametrize("name", FORMATS)
def test_a_place_in_the_project_is_the_same_on_every_machine(name):
    rule = replace(RANGE.rule, place=f"{ROOT}/contracts/fct_orders.yaml:31")
    said = NotExecuted(f"{ROOT}/contracts/fct_orders.yaml:40", "support", "Nothing to execute.")
    written = FORMATS[name]([replace(table(replace(RANGE, rule=rule)), not_executed=(said,))])
    assert str(ROOT) not in written
    assert "fct_orders.yaml" in written.replace("\n", "")


def test_markdown_shows_a_line_per_table_and_hides_what_holds():
    written = markdown([table(*EVERY_KIND)])
    assert "❌ violated | 1,000 | 7 | 2 | 2 | 1 | 1 |" in written
    assert "order_id_not_null" not in written
    assert "12 of 1,000 (1.2 %)" in written
    assert written.count("<details>") == written.count("</details>") == 2


@pytest.mark.parametrize("width", [40, 80, 100, 160])
def test_the_terminal_gets_lines_that_fit(width):
    written = FORMATS["table"]([table(*EVERY_KIND)]) if width == 100 else _table(width)
    assert max(len(line) for line in written.splitlines()) <= width
    for said in ("net_amount_range", "-15.50", "2 rules hold", "NULL", "→"):
        assert said in " ".join(written.split())


def test_rules_that_hold_are_listed_when_asked_for():
    assert "order_id_not_null" not in _table(100)
    assert "order_id_not_null" in _table(100, every_rule=True)


def _table(width: int, *, every_rule: bool = False) -> str:
    return write_table([table(*EVERY_KIND)], width=width, every_rule=every_rule)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 7, "0 %"), (7, 7, "100 %"), (99_999, 100_000, "99.999 %"), (1, 10**9, "0.0000001 %"), (1, 3, "33.3 %")],
)
def test_a_share_is_never_rounded_to_nothing_or_all(part, whole, said):
    assert float(share(part, whole).split()[0]) == pytest.approx(float(said.split()[0]))
    assert (share(part, whole) in ("0 %", "100 %")) == (part in (0, whole))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1234567, "1,234,567"),
        (0.25, "0.25"),
        (0.99999999, "0.99999999"),
        (1234567.25, "1,234,567"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (None, "none"),
        ("a, b", "a, b"),
    ],
)
def test_numbers_are_short_and_not_wrong(value, said):
    assert number(value) == said


def test_a_rule_without_numbers_is_written_too():
    bare = RuleResult(Rule(NotNull("x"), "x"), Status.VIOLATED)
    for write in FORMATS.values():
        assert "x" in write([table(bare, suite=replace(SUITE, id="", version=""))])
    assert DOUBLED.numbers["groups"] == 2
