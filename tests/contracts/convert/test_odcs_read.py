"""Everything that an ODCS document demands becomes a rule, an error at its line, or is said not to be executed."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from odcs_documents import TOP, Read, one_column, the_table

from dataeng_assets.contracts.checks.kinds import (
    Between,
    Check,
    Compare,
    Format,
    HasColumns,
    Holds,
    JsonSchema,
    Length,
    Matches,
    Measure,
    Metric,
    MultipleOf,
    NotNull,
    OfType,
    OneOf,
    Operator,
    Query,
    References,
    Unique,
)
from dataeng_assets.contracts.checks.rule import NONE, Bounds, Consumer, Quarantine, Rule, Severity, Suite, Unit
from dataeng_assets.contracts.convert.odcs_read import read_odcs
from dataeng_assets.contracts.errors import ContractError


def demanded(suites: tuple[Suite, ...]) -> list[Check]:
    """What is demanded beside the presence and type of columns."""
    (suite,) = suites
    return [rule.check for rule in suite.rules if not isinstance(rule.check, HasColumns | OfType)]


def only(suites: tuple[Suite, ...]) -> Rule:
    (rule,) = [rule for suite in suites for rule in suite.rules if not isinstance(rule.check, HasColumns | OfType)]
    assert suites[0].not_executed == ()
    return rule


@pytest.mark.parametrize(
    ("words", "checks"),
    [
        ("required: true", [NotNull("c")]),
        ("unique: true", [Unique(("c",))]),
        ("primaryKey: true", [NotNull("c"), Unique(("c",))]),
        ("primaryKey: true\nunique: true\nrequired: true", [NotNull("c"), Unique(("c",))]),
        ("logicalType: string\nenum: [{value: x}, {value: y}]", [OneOf("c", ("x", "y"))]),
        ("logicalType: integer\nenum: [{value: 1, label: One}, {value: 2}]", [OneOf("c", (1, 2))]),
        ("logicalType: date\nenum: [{value: 2026-01-31}]", [OneOf("c", (date(2026, 1, 31),))]),
        ("logicalTypeOptions: {minLength: 1, maxLength: 3}", [Length("c", 1, 3)]),
        ("logicalType: string\nlogicalTypeOptions: {pattern: '^[A-Z]+$'}", [Matches("c", ("^[A-Z]+$",))]),
        ("logicalType: string\nlogicalTypeOptions: {format: uuid}", [Format("c", "uuid")]),
        ("logicalType: number\nlogicalTypeOptions: {minimum: 0, exclusiveMaximum: 9.5}",
         [Between("c", 0, 9.5, maximum_open=True)]),
        ("logicalType: number\nlogicalTypeOptions: {exclusiveMinimum: 0}", [Between("c", 0, minimum_open=True)]),
        ("logicalType: integer\nlogicalTypeOptions: {multipleOf: 5}", [MultipleOf("c", 5)]),
        ("logicalType: integer\nlogicalTypeOptions: {format: u8}", [Between("c", 0, 255)]),
        ("logicalType: date\nlogicalTypeOptions: {minimum: '2020-01-01'}", [Between("c", date(2020, 1, 1))]),
        ("logicalType: timestamp\nlogicalTypeOptions: {maximum: '2020-01-01T00:00:00Z'}",
         [Between("c", None, datetime(2020, 1, 1, tzinfo=UTC))]),
        ("logicalType: array\nlogicalTypeOptions: {minItems: 1, maxItems: 4}", [Length("c", 1, 4)]),
        ("logicalType: array\nlogicalTypeOptions: {uniqueItems: true}",
         [Holds('list_unique("c") = len(list_filter("c", lambda item: item is not null))')]),
        ("logicalType: array\nitems: {logicalType: string, enum: [{value: x}]}",
         [Holds("""list_has_all(['x'], "c")""")]),
        ("logicalType: date\nphysicalType: varchar(10)\nlogicalTypeOptions: {format: dd.MM.yyyy}",
         [Format("c", "%d.%m.%Y")]),
        ("logicalType: vector\nlogicalTypeOptions: {dimensions: 384}", [Length("c", 384, 384)]),
        ("logicalType: object\nphysicalType: jsonb\nproperties: [{name: x, logicalType: integer, required: true}]",
         [JsonSchema("c",
                     '{"properties": {"x": {"type": "integer"}}, "required": ["x"], "type": ["object", "null"]}')]),
        ("relationships: [{to: others.id}]", [References(("c",), "others", ("id",))]),
        ("relationships: [{to: crm.others.id}]", [References(("c",), "crm.others", ("id",))]),
    ],
)  # fmt: skip
def test_a_columns_own_words_become_rules(read: Read, words: str, checks: list[Check]) -> None:
    suites = read(one_column(words))
    assert demanded(suites) == checks
    assert all(rule.bounds == NONE and rule.severity is Severity.ERROR for rule in suites[0].rules)
    assert suites[0].not_executed == ()


@pytest.mark.parametrize(
    ("words", "logical", "physical"),
    [
        ("logicalType: integer", "integer", None),
        ("physicalType: VARCHAR(18)", None, "VARCHAR(18)"),
        ("logicalType: timestamp\nlogicalTypeOptions: {timezone: true}", "timestamp", "timestamp with time zone"),
        ("logicalType: number\nlogicalTypeOptions: {precision: 12, scale: 2}", "number", "decimal(12,2)"),
    ],
)
def test_types_become_a_rule(read: Read, words: str, logical: str | None, physical: str | None) -> None:
    rules = {rule.name: rule.check for rule in read(one_column(words))[0].rules}
    assert rules["of_type__c"] == OfType("c", logical, physical)
    assert rules["has_columns"] == HasColumns(("c",))


@pytest.mark.parametrize(
    ("entry", "check", "bounds"),
    [
        ("- {metric: nullValues, mustBe: 0}", NotNull("c"), NONE),
        ("- {rule: nullCheck}", NotNull("c"), NONE),
        ("- {metric: nullValues, mustBeLessThan: 5, unit: percent}", NotNull("c"),
         Bounds(upper=5, upper_open=True, unit=Unit.PERCENT)),
        ("- {metric: nullValues, mustBe: 3}", NotNull("c"), Bounds(3, 3)),
        ("- {metric: nullValues, mustBeGreaterThan: 0}", NotNull("c"), Bounds(lower=0, lower_open=True)),
        ("- {metric: missingValues, arguments: {missingValues: [null, '', N/A]}, mustBeLessThan: 100}",
         NotNull("c", ("", "N/A")), Bounds(upper=100, upper_open=True)),
        ("- {metric: missingValues, arguments: {missingValues: ['', N/A]}, mustBe: 0}",
         OneOf("c", ("", "N/A"), negated=True), NONE),
        ("- {metric: missingValues, arguments: {missingValues: [null, -999]}, mustBe: 0}",
         Holds('"c" is not null and "c" not in ((-999))'), NONE),
        ("- {metric: invalidValues, arguments: {validValues: [x, y]}, mustBeLessOrEqualTo: 1, unit: percent}",
         OneOf("c", ("x", "y")), Bounds(upper=1, unit=Unit.PERCENT)),
        ("- {metric: invalidValues, arguments: {pattern: '^a'}, mustBe: 0}", Matches("c", ("^a",)), NONE),
        ("- {metric: invalidValues, arguments: {minimum: 1, maximum: 9}, mustBe: 0}", Between("c", 1, 9), NONE),
        ("- {metric: invalidValues, arguments: {minLength: 2}, mustNotBe: 4}", Length("c", 2),
         Bounds(4, 4, excluded=True)),
        ("- {metric: duplicateValues, mustBeLessThan: 1, unit: percent}", Unique(("c",)),
         Bounds(upper=1, upper_open=True, unit=Unit.PERCENT)),
        ("- {type: sql, query: 'select count(*) from {object} where {property} < 0', mustBe: 0}",
         Query('select count(*) from {table} where "c" < 0'), Bounds(0, 0)),
        ("- {type: sql, query: 'select avg(${column}) from ${table};', mustBeBetween: [1, 2]}",
         Query('select avg("c") from {table}'), Bounds(1, 2, True, True)),
        ("- {type: custom, engine: dataeng, implementation: {check: between, minimum: 0, where: c > 1}}",
         Between("c", 0), NONE),
        ("- {type: custom, engine: dataeng, implementation: {check: measure, metric: mean, mustBeGreaterThan: 2}}",
         Measure(Metric.MEAN, "c"), Bounds(lower=2, lower_open=True)),
        ("- {type: custom, engine: dataeng, implementation: {check: not_null, mustBeLessThan: 9, unit: percent}}",
         NotNull("c"), Bounds(upper=9, upper_open=True, unit=Unit.PERCENT)),
        ("- {type: custom, engine: dataeng, implementation: 'check: is_null'}", None, NONE),
    ],
)  # fmt: skip
def test_an_entry_below_quality_becomes_a_rule(read: Read, entry: str, check: Check | None, bounds: Bounds) -> None:
    rule = only(read(one_column("", entry)))
    assert (rule.check, rule.bounds) == (check or rule.check, bounds)


@pytest.mark.parametrize(
    ("entry", "check", "bounds"),
    [
        ("- {metric: rowCount, mustBeBetween: [100, 120]}", Measure(Metric.ROW_COUNT), Bounds(100, 120, True, True)),
        ("- {metric: rowCount, mustNotBeBetween: [1, 2]}", Measure(Metric.ROW_COUNT),
         Bounds(1, 2, True, True, excluded=True)),
        ("- {metric: rowCount, mustBeGreaterOrEqualTo: 1}", Measure(Metric.ROW_COUNT), Bounds(lower=1)),
        ("- {metric: duplicateValues, arguments: {properties: [a, b]}, mustBe: 0}", Unique(("a", "b")), NONE),
        ("- {type: custom, engine: dataeng, implementation: {check: compare, left: a, operator: <=, right: b}}",
         Compare("a", Operator.AT_MOST, "b"), NONE),
    ],
)  # fmt: skip
def test_an_entry_of_the_table_becomes_a_rule(read: Read, entry: str, check: Check, bounds: Bounds) -> None:
    rule = only(read(the_table(entry)))
    assert (rule.check, rule.bounds) == (check, bounds)


def test_between_leaves_both_ends_out_by_the_standards_text(read: Read) -> None:
    bounds = only(read(the_table("- {metric: rowCount, mustBeBetween: [100, 120]}"))).bounds
    assert [bounds.hold(count) for count in (100, 101, 119, 120)] == [False, True, True, False]
    outside = only(read(the_table("- {metric: rowCount, mustNotBeBetween: [100, 120]}"))).bounds
    assert [outside.hold(count) for count in (100, 101, 119, 120)] == [True, False, False, True]


def test_what_an_entry_says_beside_its_check_is_kept(read: Read) -> None:
    rule = only(
        read(
            one_column(
                "",
                """
                - name: Nearly always there
                  metric: nullValues
                  mustBe: 0
                  severity: warning
                  dimension: cp
                  description: Asked for at the till.
                """,
            )
        )
    )
    expected = Rule(
        NotNull("c"),
        "Nearly_always_there",
        severity=Severity.WARNING,
        dimension="completeness",
        description="Asked for at the till.",
    )
    assert rule == expected
    assert rule.place.endswith("theirs.yaml:12")


def test_an_unnamed_rule_keeps_its_name_when_others_come(read: Read) -> None:
    entry = "- {metric: invalidValues, arguments: {maximum: 9}, mustBe: 0}"
    options = "logicalType: integer\nlogicalTypeOptions: {minimum: 0}"
    before = {rule.check: rule.name for rule in read(one_column("logicalType: integer", entry))[0].rules}
    after = {rule.check: rule.name for rule in read(one_column(options, entry))[0].rules}
    more = {rule.check: rule.name for rule in read(one_column(options, f"{entry.replace('9', '7')}\n{entry}"))[0].rules}
    assert before[Between("c", None, 9)] == "between__c"
    assert after[Between("c", 0)] == more[Between("c", 0)] == "between__c"
    assert len({after[Between("c", None, 9)], more[Between("c", None, 9)]}) == 1
    assert len(set(more.values())) == len(more)


def test_the_same_name_on_two_columns_is_made_two(read: Read) -> None:
    entry = "quality: [{name: complete, metric: nullValues, mustBe: 0}]"
    (suite,) = read(f"schema:\n- name: t\n  properties:\n  - name: a\n    {entry}\n  - name: b\n    {entry}\n")
    assert [rule.name for rule in suite.rules if isinstance(rule.check, NotNull)] == ["complete", "complete__b"]


def test_a_document_with_several_tables_is_several_suites(read: Read) -> None:
    customers, orders = read(
        """
        schema:
          - id: customers_tbl
            name: customers
            properties:
              - {id: cust_id, name: id, primaryKey: true}
              - {name: email, classification: confidential}
              - {name: country, tags: [PII]}
              - {name: plan, classification: public}
              - {name: note, customProperties: [{property: pii, value: true}]}
          - name: orders
            physicalName: public.orders_v2
            properties:
              - {name: id, primaryKey: true, primaryKeyPosition: 2}
              - {name: shop, physicalName: shop_no, primaryKey: true, primaryKeyPosition: 1}
              - name: customer
                relationships: [{to: schema/customers_tbl/properties/cust_id}]
            relationships:
              - {from: [orders.shop, orders.id], to: [ledger.shop, ledger.order]}
        slaProperties:
          - {property: Latency, value: 2, unit: days, element: orders.shop_no}
          - {property: retention, value: 3, unit: y, element: customers.id}
          - {property: generalAvailability, value: 2022-05-12T09:30:10-08:00}
        customProperties:
          - {property: quarantine, value: {limit: 5, unit: percent}}
        """
    )
    assert (customers.name, customers.key, customers.owner, customers.id) == ("customers", ("id",), "", "theirs")
    assert customers.personal == {"email", "country", "note"}
    assert (orders.name, orders.key) == ("orders", ("shop_no", "id"))
    checks = [rule.check for rule in orders.rules]
    assert Unique(("shop_no", "id")) in checks
    assert References(("customer",), "customers", ("id",)) in checks
    assert References(("shop_no", "id"), "ledger", ("shop", "order")) in checks
    assert [(r.check, r.bounds) for r in orders.rules if isinstance(r.check, Measure)] == [
        (Measure(Metric.HOURS_OLD, "shop_no"), Bounds(upper=48))
    ]
    assert customers.sla == {"retention": "3 y", "generalAvailability": "2022-05-12T09:30:10-08:00"}
    assert [left.said for left in customers.not_executed] == [
        "retention: 3 y",
        "generalAvailability: 2022-05-12T09:30:10-08:00",
    ]
    assert customers.quarantine == orders.quarantine == Quarantine(Bounds(upper=5, unit=Unit.PERCENT))


def test_quarantine_and_consumers_are_read_from_the_table(read: Read) -> None:
    (suite,) = read(
        """
        schema:
          - name: t
            customProperties:
              - {property: quarantine, value: true}
              - property: consumers
                value: [{name: Finance, columns: [a], contact: finance@example.org}, Reports]
            properties: [{name: a}]
        """
    )
    assert suite.quarantine == Quarantine()
    assert suite.consumers == (Consumer("Finance", ("a",), "finance@example.org"), Consumer("Reports"))


@pytest.mark.parametrize(
    ("text", "said", "reason"),
    [
        (one_column("", "- {type: text, description: Verified by mail.}"), "Verified by mail.", "text for people"),
        (one_column("", "- {type: custom, engine: soda, implementation: 'x: 1'}"), "soda: x: 1", "soda is not run"),
        (one_column("logicalType: string\nlogicalTypeOptions: {pattern: '(?=a)b'}"), "pattern (?=a)b", "linear time"),
        (one_column("logicalType: string\nlogicalTypeOptions: {format: password}"), "format password", "uuid"),
        (one_column("logicalType: date\nlogicalTypeOptions: {format: yyyy-MM-dd}"), "format yyyy-MM-dd", "no written"),
        (one_column("logicalType: object\nproperties: [{name: x, required: true}]"), "the parts of c", "jsonb"),
        (one_column("logicalType: array\nitems: {logicalType: string, required: true}"), "required of", "enum"),
        (one_column("semanticType: measure"), "measure c", "computed"),
        (one_column("primaryKey: true\nrequired: false"), "c is not required", "key"),
        (one_column("relationships: [{to: x.yaml#/schema/a/properties/b}]"), "relationship", "table.column"),
        (one_column("", "- {metric: nullValues, mustBe: 0, unit: shares}"), "nullValues in shares", "rows or percent"),
        (one_column("", "- {metric: nullValues, mustBe: 0, severity: purple}"), "severity purple", "an error"),
        (one_column("", "- {metric: nullValues, mustBe: 0, schedule: 0 20 * * *}"), "schedule 0 20", "checks run"),
        (one_column("", "- {type: sql, query: selekt 1, mustBe: 0}"), "selekt 1", "DuckDB"),
        (one_column("", "- {type: sql, query: drop table x, mustBe: 0}"), "drop table x", "SELECT"),
        (one_column("", "- {type: sql, query: select 'x', mustBe: x}"), "mustBe x", "number"),
        (
            one_column("", "- {metric: invalidValues, arguments: {minimum: 1, pattern: x}, mustBe: 2}"),
            "invalidValues of minimum, pattern", "an entry of its own",
        ),
        (f"{one_column('')}slaProperties: [{{property: latency, value: 1, unit: d}}]\n", "latency: 1 d", "`element`"),
        (f"{one_column('')}slaProperties: [{{property: retention, value: 3, unit: y}}]\n", "retention: 3 y", "people"),
    ],
)  # fmt: skip
def test_what_is_not_executed_is_said_with_its_line_and_reason(read: Read, text: str, said: str, reason: str) -> None:
    (left,) = read(text)[0].not_executed
    assert left.said.startswith(said)
    assert reason in left.reason
    assert left.place.rpartition(":")[2].isdigit()


def test_the_same_document_in_json_is_the_same_suite(read: Read, tmp_path: Path) -> None:
    said = {
        "apiVersion": "v3.2.0", "kind": "DataContract", "id": "theirs", "version": "1.0.0",
        "schema": [{"name": "t", "properties": [{"name": "c", "required": True, "enum": [{"value": "\U0001f600"}]}]}],
    }  # fmt: skip
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(said, indent="\t"))
    (suite,) = read_odcs(path)
    assert [rule.check for rule in suite.rules] == [HasColumns(("c",)), NotNull("c"), OneOf("c", ("\U0001f600",))]
    assert suite.rules[1].place == f"{path}:12"
    path.write_text('{"a": 1, "a": 2}')
    with pytest.raises(ContractError, match="a second time"):
        read_odcs(path)


def test_an_engine_of_others_gives_its_rules_or_its_reason(tmp_path: Path) -> None:
    def expectations(said: dict[str, object], column: str) -> list[Rule]:
        if "type" not in said:
            raise ValueError("no expectation")
        return [Rule(NotNull(column), "theirs", bounds=Bounds(upper=3), severity=Severity.WARNING)]

    path = tmp_path / "theirs.yaml"
    entries = """
        - {type: custom, engine: great-expectations, name: named, implementation: {type: x}}
        - {type: custom, engine: greatExpectations, implementation: {}}
        """
    path.write_text(TOP + one_column("", entries))
    (suite,) = read_odcs(path, {"greatexpectations": expectations})
    rule = suite.rules[-1]
    assert rule == Rule(NotNull("c"), "named", bounds=Bounds(upper=3), severity=Severity.WARNING)
    assert [left.reason for left in suite.not_executed] == ["no expectation"]


def test_an_expectation_in_a_document_is_a_rule(read: Read) -> None:
    entry = """
        - type: custom
          engine: greatExpectations
          implementation: {type: expect_column_values_to_be_between, kwargs: {min_value: 1, max_value: 5, mostly: 0.9}}
        """
    rule = only(read(one_column("", entry)))
    assert (rule.check, rule.bounds) == (Between("c", 1, 5), Bounds(upper=10, unit=Unit.PERCENT))
    (suite,) = read(one_column("", entry.replace("_be_between", "_be_lucky")))
    assert "no expectation of GX core" in suite.not_executed[0].reason


def test_a_promise_about_a_table_that_is_not_there_is_said_once(read: Read) -> None:
    first, second = read(
        """
        schema: [{name: a, properties: [{name: x}]}, {name: b}]
        slaDefaultElement: gone.day
        slaProperties:
          - {property: latency, value: 4, unit: d}
          - {property: retention, value: 3, unit: y, element: gone.day}
          - {property: endOfLife, value: 2042-05-12}
        """
    )
    assert [left.said for left in first.not_executed] == ["latency: 4 d", "retention: 3 y", "endOfLife: 2042-05-12"]
    assert [left.said for left in second.not_executed] == ["endOfLife: 2042-05-12"]
