"""What is written as SARIF, against what section 3 of SARIF 2.1.0 demands of the properties that we write.

The official schema is not part of this project; here stand, in our own words, the required properties, their types,
the closed lists of words, and that positions count from one. A property that is not named here is refused.
"""

import json
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from test_corpus import CORPUS

from dataeng_assets.analyze.analysis import Analysis, analyze
from dataeng_assets.analyze.code.lint import lint
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.output.sarif import sarif


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def listed(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


TEXT = {"type": "string", "minLength": 1}
MESSAGE = closed(["text"], text=TEXT)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
COUNTED = {"type": "integer", "minimum": 1}
RULE = closed(
    ["id"],
    id=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=closed([], level=LEVEL),
)
DRIVER = closed(["name"], name=TEXT, semanticVersion=TEXT, rules={**listed(RULE), "uniqueItems": True})
REGION = closed(["startLine"], startLine=COUNTED, startColumn=COUNTED, endLine=COUNTED, endColumn=COUNTED)
PLACE = closed([], artifactLocation=closed([], uri={"type": "string"}), region=REGION)
RESULT = closed(
    ["message"],
    ruleId=TEXT,
    level=LEVEL,
    message=MESSAGE,
    locations=listed(closed([], physicalLocation=PLACE)),
    partialFingerprints={"type": "object", "additionalProperties": {"type": "string"}},
)
NOTIFICATION = closed(["message"], level=LEVEL, message=MESSAGE)
INVOCATION = closed(
    ["executionSuccessful"],
    executionSuccessful={"type": "boolean"},
    toolExecutionNotifications=listed(NOTIFICATION),
)
RUN = closed(
    ["tool"],
    tool=closed(["driver"], driver=DRIVER),
    invocations=listed(INVOCATION),
    results=listed(RESULT),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
)
LOG = closed(
    ["version", "runs"],
    version={"const": "2.1.0"},
    runs=listed(RUN),
    **{"$schema": {"type": "string", "format": "uri"}},
)


def all_of_the_corpus() -> list[Analysis]:
    found = [analyze(sql, engine, file=f"a b/{name}.sql", facts=facts) for name, engine, facts, sql, _ in CORPUS]
    return [*found, analyze("select from where", Engine.SPARK, file="broken.sql"), analyze("\0", Engine.SPARK)]


@pytest.mark.parametrize("analyses", [all_of_the_corpus(), []], ids=["the corpus", "nothing"])
def test_what_is_written_is_sarif(analyses: list[Analysis]) -> None:
    document = json.loads(sarif(analyses))
    jsonschema.Draft202012Validator(LOG).validate(document)
    (run,) = document["runs"]
    named = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} == named
    for result in run["results"]:
        (location,) = result["locations"]
        uri = urlsplit(location["physicalLocation"]["artifactLocation"]["uri"])
        assert uri.geturl().isascii()
        assert " " not in uri.geturl()
    prints = [json.dumps(result["partialFingerprints"]) for result in run["results"]]
    assert len(set(prints)) == len(prints), "a code host takes two results with one print for the same"


def test_what_could_not_be_read_makes_the_run_unsuccessful_and_is_told() -> None:
    (run,) = json.loads(sarif(all_of_the_corpus()))["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert any("broken.sql:1:" in told["message"]["text"] for told in invocation["toolExecutionNotifications"])


@pytest.mark.parametrize(
    ("path", "value"), [(("level",), "info"), (("message",), {}), (("locations", 0, "physicalLocation", "region"), {})]
)
def test_the_check_refuses_what_is_no_sarif(path: tuple[str | int, ...], value: object) -> None:
    document = json.loads(sarif(all_of_the_corpus()))
    around: Any = document["runs"][0]["results"][0]
    for step in path[:-1]:
        around = around[step]
    around[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(LOG).validate(document)


def test_findings_in_code_are_sarif_too(tmp_path) -> None:
    (tmp_path / "dag é.py").write_text("from airflow import DAG\nimport requests\n\nrequests.get('http://x')\n")
    jsonschema.Draft202012Validator(LOG).validate(json.loads(sarif(lint(str(tmp_path)))))
