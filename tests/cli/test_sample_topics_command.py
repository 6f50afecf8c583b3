"""`dataeng topics`: what it says and how it exits, against a real broker."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from dataeng_assets.cli import app
from dataeng_assets.components import kafka_topic
from dataeng_assets.local.kafka import Kafka

pytestmark = pytest.mark.server
Run = Callable[..., Result]


@pytest.fixture
def declared(tmp_path: Path, topic_name: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Declares one stream of a topic, whose contract says of it what it is given."""
    folder = tmp_path / "defs" / "clicks"
    (folder / "contracts").mkdir(parents=True)
    kind = "dataeng_assets.components.KafkaTopicComponent"
    attributes = {"topic": topic_name, "name": "clicks", "domain": "clicks", "bootstrap_variable": "CLICKS_BOOTSTRAP"}
    (folder / "defs.yaml").write_text(yaml.safe_dump({"type": kind, "attributes": attributes}))
    for function in (kafka_topic.find_topic, kafka_topic.find_topics):
        places = function.__defaults__ or ()
        monkeypatch.setattr(function, "__defaults__", (*places[:-1], tmp_path / "defs"))

    def declare(topic: dict[str, Any]) -> None:
        contract = yaml.safe_load(
            (Path(kafka_topic.__file__).parents[1] / "defs/events/contracts/user_events.yaml").read_text()
        )
        [table] = contract["schema"]
        table["name"] = topic_name
        others = [one for one in table["customProperties"] if one["property"] != "topic"]
        table["customProperties"] = [*others, {"property": "topic", "value": topic}]
        (folder / "contracts" / f"{topic_name}.yaml").write_text(yaml.safe_dump(contract))

    return declare


@pytest.fixture
def run(kafka_broker: Kafka, monkeypatch: pytest.MonkeyPatch, state: Path) -> Run:
    monkeypatch.setenv("CLICKS_BOOTSTRAP", kafka_broker.bootstrap)
    return lambda *words, answer="": CliRunner().invoke(app, ["topics", *words], input=answer, env={"COLUMNS": "200"})


def test_a_topic_is_planned_confirmed_made_and_then_agrees(
    declared: Callable[[dict[str, Any]], None], run: Run, topic_name: str
) -> None:
    declared({"partitions": 2, "retention": "unlimited"})
    planned = run("plan")
    assert planned.exit_code == 2
    assert "+ partitions: 2" in planned.output
    assert run("apply", answer="n\n").exit_code == 2
    assert run("describe").exit_code == 1, "nothing was made without a yes"
    assert run("apply", answer="y\n").exit_code == 0
    again = run("plan", "clicks", "--json")
    assert (again.exit_code, json.loads(again.output)[0]["steps"]) == (0, [])
    described = json.loads(run("describe", "--json").output)[0]
    assert [one["partition"] for one in described["partitions"]] == [0, 1]
    assert described["own_configs"] == {"retention.ms": "-1"}
    assert topic_name in run("describe", "clicks").output


def test_what_only_a_person_may_do_is_told_and_stays_undone(
    declared: Callable[[dict[str, Any]], None], run: Run
) -> None:
    declared({"partitions": 2})
    assert run("apply", "--yes").exit_code == 0
    declared({"partitions": 1, "retention": "PT1H"})
    done = run("apply", "--yes")
    assert done.exit_code == 2
    assert "never changed here" in done.output
    assert len(json.loads(run("describe", "--json").output)[0]["partitions"]) == 2


def test_a_stream_that_is_not_declared_is_named_with_those_that_are(
    declared: Callable[[dict[str, Any]], None], run: Run
) -> None:
    declared({"partitions": 1})
    done = run("plan", "visits")
    assert done.exit_code == 1
    assert "clicks" in done.output
