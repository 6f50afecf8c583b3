"""Joins as `defs.yaml` declares them: what loads, what is refused by name, what Dagster shows, when a run is due."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import dagster as dg
import pytest
import yaml
from dagster.components.component_scaffolding import scaffold_object
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import create_defs_folder_sandbox
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from dataeng_assets.components import IntervalJoinComponent, KafkaTopicComponent
from dataeng_assets.components.interval_join import JOIN
from dataeng_assets.components.run_sensors import VERSIONS
from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.orchestration.partitions import range_tags
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.ingest import make_main

TOPICS = ("orders", "payments")
PAID: dict[str, Any] = {
    "name": "paid",
    "left": {"stream": "orders", "key": ["user_id"], "columns": {"order": "event_id"}},
    "right": {"stream": "payments", "key": ["user_id"], "columns": {"payment": "event_id"}},
    "after": "PT1H",
    "keeps": "left",
}


@contextmanager
def loaded(
    topics: tuple[str, str] = TOPICS, **more: Any
) -> Iterator[tuple[IntervalJoinComponent, dg.Definitions, Path]]:
    """Two topics and their join: the component, its definitions, and the folder of all three."""
    with create_defs_folder_sandbox() as sandbox:
        for topic in topics:
            sandbox.scaffold_component(component_cls=KafkaTopicComponent, defs_path=topic)
        path = sandbox.scaffold_component(component_cls=IntervalJoinComponent, defs_path="paid")
        declared = {"type": "dataeng_assets.components.IntervalJoinComponent", "attributes": {**PAID, **more}}
        (path / "defs.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
        with sandbox.load_component_and_build_defs(defs_path=path) as (component, found):
            assert isinstance(component, IntervalJoinComponent)
            yield component, found, path.parent


def test_a_join_is_an_asset_of_both_streams_with_checks_and_its_columns() -> None:
    with loaded() as (_, found, _):
        graph = found.resolve_asset_graph()
        key = dg.AssetKey(["silver", "orders", "paid"])
        assert graph.get(key).parent_keys == {
            dg.AssetKey(["bronze", "orders", "orders"]),
            dg.AssetKey(["bronze", "payments", "payments"]),
        }
        checks = {one.name for one in graph.asset_check_keys if one.asset_key == key}
        assert checks == {"one_row_per_pair", "left_events_accounted_for"}
        spec = next(one for one in found.resolve_all_asset_specs() if one.key == key)
        assert "have user_id = user_id and are 0:00:00 earlier to 1:00:00 later, both ends included" in str(
            spec.description
        )
        columns = [column.name for column in spec.metadata["dagster/column_schema"].columns]
        assert columns[:4] == ["left_time", "right_time", "order", "payment"]
        assert [job.name for job in found.resolve_all_job_defs() if not job.name.startswith("__")] == ["join_paid"]


def test_a_join_that_names_no_columns_shows_all_of_both() -> None:
    sides = {end: {"stream": TOPICS[0], "key": ["user_id"]} for end in ("left", "right")}
    with loaded(**sides, domain="shop") as (_, found, _):
        (spec,) = [one for one in found.resolve_all_asset_specs() if one.key.path[0] == "silver"]
        columns = {column.name for column in spec.metadata["dagster/column_schema"].columns}
        assert spec.key.path == ["silver", "shop", "paid"]
        assert {"left_event_id", "left_user_id", "right_event_id", "right_occurred_at"} <= columns


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "a-b"}, "is not made of letters, digits and underscores"),
        ({"after": "an hour"}, "should be like PT5M or P1D"),
        ({"before": "-PT1H"}, "must not be below zero"),
        ({"left": {"stream": "orders", "key": ["nobody"]}}, "left: the contract has no column 'nobody'"),
        ({"left": {"stream": "orderz", "key": ["user_id"]}}, "No stream 'orderz' is declared"),
        ({"left": {"stream": "orders", "key": []}}, "both sides need keys, as many on the left as on the right"),
        ({"left": {"stream": "orders", "key": ["event_type"]}}, "they are never equal without a cast"),
        ({"left": {**PAID["left"], "columns": {"payment": "event_id"}}}, "the name payment is taken"),
        ({"left": {**PAID["left"], "columns": {"left_time": "event_id"}}}, "the name left_time is taken"),
        ({"left": {**PAID["left"], "columns": {"_mine": "event_id"}}}, "the name '_mine' of a column"),
        ({"left": {**PAID["left"], "where": "user_id >"}}, "left: 'user_id >' is no condition over an event"),
        ({"left": {**PAID["left"], "where": "random() < 1"}}, "random is not a function whose result hangs on"),
        ({"right": {**PAID["right"], "where": "year(user_id) = 1"}}, "right: 'year(user_id) = 1' does not fit"),
    ],
)
def test_a_join_that_cannot_be_computed_is_refused_when_it_is_loaded(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ComponentTreeException) as stopped, loaded(**wrong):
        pass
    assert said in str(stopped.value.__cause__)


@pytest.mark.usefixtures("state")
def test_a_run_is_asked_for_when_a_stream_has_grown_and_once_for_each_version() -> None:
    with loaded() as (component, found, folder), dg.DagsterInstance.ephemeral() as instance:
        sensor = found.resolve_sensor_def("paid_follows")

        def tick() -> dg.RunRequest | dg.SkipReason:
            told = sensor(dg.build_sensor_context(instance))
            assert isinstance(told, dg.RunRequest | dg.SkipReason)
            return told

        first = tick()
        assert isinstance(first, dg.SkipReason)
        assert "bronze/orders/orders" in str(first.skip_message)
        for stream in component.streams(folder):
            make_main(stream)
        asked = tick()
        assert isinstance(asked, dg.RunRequest)
        assert asked.tags[VERSIONS] == "0,0"
        tags = {JOIN: "paid", VERSIONS: "0,0"}
        run = instance.create_run_for_job(job_def=found.resolve_job_def("join_paid"), tags=tags)
        assert run.run_id in str(tick())
        instance.report_run_failed(run)
        assert isinstance(tick(), dg.RunRequest), "what failed is asked for again"
        done = instance.create_run_for_job(job_def=found.resolve_job_def("join_paid"), tags=tags)
        instance.handle_new_event(_succeeded(done.run_id))
        assert "knows both streams as they are" in str(tick())


def _succeeded(run_id: str) -> dg.EventLogEntry:
    event = dg.DagsterEvent("PIPELINE_SUCCESS", "join_paid")
    return dg.EventLogEntry(
        error_info=None,
        level=20,
        user_message="",
        run_id=run_id,
        timestamp=0.0,
        job_name="join_paid",
        dagster_event=event,
    )


@pytest.mark.server
def test_a_run_joins_what_was_drained_and_one_for_days_puts_them_right(
    state: Path, kafka_broker: Kafka, topic_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAENG_KAFKA_BOOTSTRAP", kafka_broker.bootstrap)
    monkeypatch.setenv("DATAENG_FIRST_DAY", "2026-02-28")
    orders, payments = (f"{topic_name}_{end}".replace("-", "_") for end in ("orders", "payments"))
    with closing(KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)) as admin:
        admin.create_topics(
            [NewTopic(topic, 1, 1, topic_configs={"retention.ms": "-1"}) for topic in (orders, payments)]
        )
        admin.wait_for_topics([orders, payments])
    with KafkaProducer(bootstrap_servers=kafka_broker.bootstrap) as producer:
        for topic, number, user, hour in [(orders, 1, 7, 0), (orders, 2, 8, 0), (orders, 3, 9, 9), (payments, 4, 7, 1)]:
            when = datetime(2026, 3, 1, hour, tzinfo=UTC)
            record = {"event_id": str(UUID(int=number)), "user_id": user, "event_type": "created"}
            value = json.dumps({**record, "occurred_at": when.isoformat()}).encode()
            producer.send(topic, value, timestamp_ms=int(when.timestamp() * 1000))
    sides = {
        "left": {"stream": orders, "key": ["user_id"], "columns": {"buyer": "user_id"}},
        "right": {"stream": payments, "key": ["user_id"], "columns": {"payment": "event_id"}},
    }
    with loaded((orders, payments), **sides) as (component, found, folder):
        for stream, cluster in zip(component.streams(folder), component.clusters(folder), strict=True):
            drain(stream, cluster, run_id="run", budget=timedelta(minutes=1), batch_records=10)
        job, key = found.resolve_job_def("join_paid"), component.key(component.streams(folder)[0])
        result = job.execute_in_process()
        Lake.current().open(key).update({"buyer": "buyer + 1"})
        again = job.execute_in_process(tags=range_tags(date(2026, 3, 1), date(2026, 3, 2)))
        rows = Lake.current().open(key).to_pyarrow_dataset().to_table(columns=["buyer", "payment"]).to_pylist()
    assert sorted(rows, key=str) == [{"buyer": 7, "payment": str(UUID(int=4))}, {"buyer": 8, "payment": None}]
    for of in (result, again):
        assert [check.passed for check in of.get_asset_check_evaluations()] == [True, True]
    told_of = [event.materialization for event in result.get_asset_materialization_events()]
    assert "2026-03-01" in {one.partition for one in told_of}
    (told,) = [one.metadata for one in told_of if one.partition is None]
    assert (told["dagster/row_count"].value, told["rows_computed"].value, told["held_back_by"].value) == (2, 2, "none")
    assert told["published_to"].value == "2026-03-01T07:50:00+00:00"


def test_what_is_scaffolded_loads_at_once_and_says_what_it_is() -> None:
    with create_defs_folder_sandbox() as sandbox:
        sandbox.scaffold_component(component_cls=KafkaTopicComponent, defs_path="orders")
        path = sandbox.scaffold_component(component_cls=IntervalJoinComponent, defs_path="again")
        with sandbox.load_component_and_build_defs(defs_path=path) as (_, found):
            (spec,) = [one for one in found.resolve_all_asset_specs() if one.key.path[0] == "silver"]
            assert spec.key.path == ["silver", "orders", "again"]


def test_a_join_without_streams_is_not_scaffolded(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="Scaffold a KafkaTopicComponent first"):
        scaffold_object(tmp_path / "paid", "dataeng_assets.components.IntervalJoinComponent", None, "yaml", tmp_path)
