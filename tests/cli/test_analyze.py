"""`dataeng analyze`: what is read, what is printed, what is written, and the exit codes 0, 1 and 2 apart."""

import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner, Result

from dataeng_assets.analyze import rewrites
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.proof import Proof, Rewrite, Verdict
from dataeng_assets.analyze.rule import Hit, Rule
from dataeng_assets.analyze.rules import RULES
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.cli import app

CLEAN = "select order_id from orders where ordered_at >= '2026-03-01'\n"
BROKEN = "select order_id from orders where shipped_at = null\n"


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, ["analyze", *arguments], input=text)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "query.sql"
    path.write_text(BROKEN)
    return path


def test_nothing_found_is_zero(file: Path) -> None:
    file.write_text(CLEAN)
    result = run("--query", str(file))
    assert result.exit_code == 0
    assert "Nothing found." in result.output


def test_the_table_marks_the_sql(file: Path) -> None:
    result = run("--query", str(file))
    assert result.exit_code == 1
    lines = result.output.splitlines()
    marked = next(index for index, line in enumerate(lines) if "shipped_at = null" in line)
    assert lines[marked + 1].rstrip().endswith("^" * len("shipped_at = null"))
    assert lines[marked + 1].index("^") == lines[marked].index("shipped_at = null")


@pytest.mark.parametrize(("fail_on", "code"), [("info", 1), ("warning", 0), ("error", 0)])
def test_findings_below_fail_on_do_not_fail(file: Path, fail_on: str, code: int) -> None:
    file.write_text("select email from customers where email like '%x'")
    assert run("--query", str(file), "--fail-on", fail_on).exit_code == code


def test_json_has_the_findings_with_their_places(file: Path) -> None:
    result = run("--query", str(file), "--format", "json")
    (finding,) = json.loads(result.output)["findings"]
    assert (finding["rule"], finding["severity"], finding["line"], finding["column"]) == ("equals-null", "error", 1, 35)
    assert (finding["end_line"], finding["end_column"], finding["file"]) == (1, 52, str(file))


def test_sarif_has_rule_level_and_region(file: Path) -> None:
    document = json.loads(run("--query", str(file), "--format", "sarif").output)
    (sarif_run,) = document["runs"]
    (result,) = sarif_run["results"]
    assert (document["version"], result["ruleId"], result["level"]) == ("2.1.0", "equals-null", "error")
    region = {"startLine": 1, "startColumn": 35, "endLine": 1, "endColumn": 52}
    assert result["locations"][0]["physicalLocation"]["region"] == region
    assert [rule["id"] for rule in sarif_run["tool"]["driver"]["rules"]] == ["equals-null"]
    jsonschema.validate(document, {"required": ["version", "runs"]})


def test_markdown_has_a_heading_for_each_finding(file: Path) -> None:
    assert "### error: equals-null (line 1, column 35)" in run("--query", str(file), "--format", "markdown").output


def test_standard_input_is_read() -> None:
    result = run("--query", "-", "--format", "json", text=BROKEN)
    assert [finding["file"] for finding in json.loads(result.output)["findings"]] == ["<stdin>"]


def test_all_files_of_a_folder_are_read_but_not_what_tools_made(tmp_path: Path) -> None:
    for name in ("a.sql", "deep/b.sql", "target/c.sql"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(BROKEN)
    found = json.loads(run("--query", str(tmp_path), "--format", "json").output)["findings"]
    assert [Path(finding["file"]).name for finding in found] == ["a.sql", "b.sql"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"select date(ts from t", "query.sql:1:16: Syntax error"),
        (b"PAR1\x00\x01", "binary data"),
        (b"select '\xff'", "not UTF-8"),
        (b"select * from {{ ref('orders') }}", "Jinja template (ref) outside a dbt project"),
        (b"{% if x %} select 1 {% endif %}", "Jinja template (endif, if)"),
    ],
)
def test_what_cannot_be_read_is_named_and_is_two(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    result = run("--query", str(file))
    assert result.exit_code == 2
    assert said in " ".join(result.output.split()).replace(" query.sql", "query.sql")
    assert "Traceback" not in result.output


def test_an_array_of_postgres_is_no_template(file: Path) -> None:
    file.write_text("select '{{1,2},{3,4}}'::int[][] as matrix")
    assert run("--query", str(file), "--engine", "postgres").exit_code == 0


@pytest.mark.parametrize("arguments", [(), ("--query", "nowhere.sql"), ("--explain", "equal-null")])
def test_what_is_asked_wrongly_is_two_with_the_next_step(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert any(word in result.output for word in ("Name what to analyze", "Name a .sql file", "did you mean"))


@pytest.mark.parametrize("rule", RULES[::9], ids=lambda rule: rule.id)
def test_a_rule_is_explained(rule: Rule) -> None:
    result = run("--explain", rule.id)
    assert result.exit_code == 0
    assert rule.title in result.output


def rewritten(verdict: Verdict) -> object:
    def by(statement: Statement, rule: Rule, _hit: Hit, _facts: Facts) -> Rewrite | None:
        sql = statement.sql.replace("= null", "is null")
        return Rewrite(sql, Proof(verdict, 200)) if rule.id == "equals-null" else None

    return by


def test_fix_writes_proven_rewrites_and_leaves_the_rest_of_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(f"-- before\r\n{BROKEN.strip()};\r\n\r\n/* between */ {BROKEN.strip()} -- after\r\n", newline="")
    monkeypatch.setattr(rewrites, "recommended", rewritten(Verdict.PROVEN))
    assert run("--query", str(file), "--fix").exit_code == 0
    fixed = BROKEN.strip().replace("= null", "is null")
    assert file.read_bytes().decode() == f"-- before\r\n{fixed};\r\n\r\n/* between */ {fixed} -- after\r\n"


@pytest.mark.parametrize("verdict", [Verdict.NOT_PROVEN, Verdict.REFUTED])
def test_fix_never_writes_what_is_not_proven(file: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict) -> None:
    monkeypatch.setattr(rewrites, "recommended", rewritten(verdict))
    assert run("--query", str(file), "--fix").exit_code == 1
    assert file.read_text() == BROKEN


def test_fix_of_standard_input_is_refused() -> None:
    result = run("--query", "-", "--fix", text=BROKEN)
    assert result.exit_code == 2
    assert "--fix writes files" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--job", "daily"), "--query and --job name different things to analyze"),
        (("--measure",), "--measure does nothing without --connect"),
        (("--price-per-hour", "2"), "--price-per-hour does nothing without --job"),
        (("--connect", "postgresql://reader@127.0.0.1:1/shop"), "Say --engine postgres"),
        (
            ("--connect", "postgresql://reader@127.0.0.1:1/shop", "--engine", "postgres"),
            "or leave --connect out",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused_with_the_nearest(
    file: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = run("--query", str(file), *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert "next run" not in result.output


def test_a_line_of_a_megabyte_is_shown_in_part(file: Path) -> None:
    file.write_text(f"select a from t where x = null and y in ({','.join(map(str, range(150_000)))})")
    output = run("--query", str(file)).output
    assert "x = null" in output
    assert len(output) < 10_000
