import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataeng_assets.cli import app

RULES = {
    "contract": "sales",
    "schema": {
        "properties": {
            "id": {"type": "integer", "not_null": True, "unique": True},
            "status": {"enum": ["placed", "paid"]},
            "at": {"type": "timestamp"},
        }
    },
    "sla": {"freshness": {"max_delay_hours": 24, "column": "at"}, "completeness": {"min_percentage": 50}},
}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "sales.json"
    path.write_text(json.dumps(RULES))
    return path


def validate(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["validate", *map(str, arguments)])
    return done.exit_code, done.output


def sales(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "sales.csv"
    path.write_text("\n".join(["id,status,at", *lines]) + "\n")
    return path


GOOD = "1,paid,2999-01-01T00:00:00Z"


def test_what_holds_ends_with_0_what_is_violated_with_1_what_cannot_be_read_with_2(tmp_path: Path, rules: Path) -> None:
    schema = ("--schema", rules, "--checks", "validity,uniqueness")
    assert validate("--input", sales(tmp_path, GOOD), *schema)[0] == 0
    code, told = validate("--input", sales(tmp_path, GOOD, "1,gone,"), *schema)
    assert code == 1
    assert "gone" in told
    assert "1 of 2 rows break it" in told
    code, told = validate("--input", tmp_path / "nowhere.csv", *schema)
    assert code == 2
    assert "Nothing was judged" in told


def test_an_event_of_the_future_is_not_fresh(tmp_path: Path, rules: Path) -> None:
    code, told = validate("--input", sales(tmp_path, GOOD), "--schema", rules, "--checks", "freshness")
    assert code == 1
    assert "in the future" in told


def test_the_report_in_a_file_has_what_was_asked_for(tmp_path: Path, rules: Path) -> None:
    report = tmp_path / "reports" / "quality_report.json"
    code, _ = validate("--input", sales(tmp_path, GOOD), "--schema", rules, "--output", report)
    found = json.loads(report.read_text())
    assert code == 1
    assert found["table"] == "sales"
    assert found["checks"]["row_count"]["value"] == 1
    assert found["checks"]["null_rates"] == {"id": 0.0, "status": 0.0, "at": 0.0}
    assert found["checks"]["freshness"]["max_timestamp"] == "2999-01-01T00:00:00Z"
    assert found["overall_status"] == "violated"


@pytest.mark.parametrize(
    ("form", "begins"), [("json", "{"), ("junit", "<?xml"), ("sarif", "{"), ("html", "<!"), ("markdown", "#")]
)
def test_a_format_without_a_file_is_all_that_is_printed(tmp_path: Path, rules: Path, form: str, begins: str) -> None:
    _, told = validate("--input", sales(tmp_path, GOOD), "--schema", rules, "--format", form)
    assert told.lstrip().lower().startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "either --input or --table"),
        (("--input", "a.csv", "--table", "b"), "either --input or --table"),
        (("--checks", "fresness"), "did you mean 'freshness'?"),
        (("--checks", "volume"), "No rule for sales is about volume"),
        (("--reference", "customers"), "NAME=PATH"),
    ],
)
def test_what_cannot_be_meant_is_told_with_the_way_on(
    tmp_path: Path, rules: Path, arguments: tuple[str, ...], says: str
) -> None:
    given = ("--input", sales(tmp_path, GOOD), "--schema", rules) if len(arguments) == 2 else ()
    code, told = validate(*given, *arguments)
    assert code == 2
    assert says in " ".join(told.split())


def test_a_rule_on_another_table_reads_it_where_it_is_told_to_be(tmp_path: Path) -> None:
    schema = tmp_path / "schema.yml"
    schema.write_text(
        "apiVersion: v3.2.0\nkind: DataContract\nid: o\nversion: 1.0.0\nstatus: active\nschema:\n"
        "  - name: sales\n    properties:\n      - name: customer\n        logicalType: integer\n"
        "        relationships: [{type: foreignKey, to: customers.id}]\n"
    )
    (tmp_path / "orders.csv").write_text("customer\n1\n3\n")
    (tmp_path / "customers.csv").write_text("id\n1\n2\n")
    arguments = ("--input", tmp_path / "orders.csv", "--schema", schema)
    code, told = validate(*arguments, "--reference", f"customers={tmp_path / 'customers.csv'}")
    assert (code, "1 of 2 rows break it" in told) == (1, True)
    code, told = validate(*arguments)
    steps = " ".join(told.split())
    assert (code, 0 < steps.find("--reference customers=PATH") < steps.find("The lake's tables")) == (2, True)
