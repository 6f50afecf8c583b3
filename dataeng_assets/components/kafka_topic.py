"""A Kafka topic that is written to bronze by micro-batches, with its dead letters, late events and windows."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import yaml
from pydantic import Field

from dataeng_assets.components.bronze_specs import bronze_spec, source_spec
from dataeng_assets.components.contract_checks import contract_checks, contract_results
from dataeng_assets.components.replay_jobs import replay_stream_job
from dataeng_assets.components.scaffold import KafkaTopicScaffolder
from dataeng_assets.components.stream_metrics import watch_results
from dataeng_assets.components.stream_results import (
    drain_checks,
    drain_results,
    lag_result,
    planned,
    sentence,
    window_check,
    window_results,
)
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.contracts.model import Contract
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.failures import RETRY, named_failures
from dataeng_assets.orchestration.in_flight import default_sensor_status, run_in_flight
from dataeng_assets.orchestration.metrics import anomaly_check
from dataeng_assets.settings import ROOT, SettingMissing, Settings, variable
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.lag import lag
from dataeng_assets.streams.stream import DEAD_LETTERS_SCHEMA, Stream
from dataeng_assets.streams.windows import WINDOWS_SCHEMA, publish_windows

STREAM = "dataeng/stream"


@dg.scaffold_with(KafkaTopicScaffolder)
class KafkaTopicComponent(dg.Component, dg.Model, dg.Resolvable):
    """Writes one Kafka topic to bronze, each offset exactly once, and publishes its windows.

    The sensor plans and never consumes; the run drains many micro-batches until it has caught up.
    """

    topic: str = Field(description="name of the topic, and of the contract in the folder `contracts`")
    name: str = Field("", description="name of the stream and its tables; the topic's when empty")
    domain: str = Field(description="second part of the asset keys")
    bootstrap_variable: str = Field(description="environment variable that holds the brokers' addresses")
    window_minutes: int = Field(5, description="length of the tumbling windows")
    batch_records: int = Field(100_000, description="most records in one micro-batch; memory follows it")
    reader: Literal["confluent-kafka", "kafka-python"] = Field(
        "confluent-kafka",
        description="client that reads the records; kafka-python where the other has no wheel, or for Kerberos",
    )
    run_seconds: int = Field(240, description="how long one run may drain before it ends and the next is asked for")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The topic as an external asset, its tables, its windows, the job that drains it and the sensor."""
        contract = load_contract(context.path / "contracts" / f"{self.topic}.yaml")
        tables, windows = self._drain_assets(contract), self._window_assets(contract)
        metrics = self._metrics(contract, [*tables.keys, *windows.keys])
        job = dg.define_asset_job(
            f"stream_{self.stream_name}",
            selection=dg.AssetSelection.assets(tables, windows) - dg.AssetSelection.checks(metrics),
            description=f"Drains {self.topic} into bronze until it has caught up, then publishes the closed windows.",
            executor_def=dg.in_process_executor,
            tags={STREAM: self.stream_name, "dagster/max_runtime": str(self.run_seconds + 300)},
        )
        watch = dg.define_asset_job(
            f"watch_{self.stream_name}",
            selection=dg.AssetSelection.checks(metrics),
            description=f"Measures the tables of {self.stream_name}, and tells what is unusual in them.",
            executor_def=dg.in_process_executor,
            tags={"dagster/max_runtime": "600"},
        )
        return dg.Definitions(
            assets=[source_spec(("kafka", self.topic), contract, "kafka"), tables, windows],
            asset_checks=[metrics],
            jobs=[job, watch, replay_stream_job(self.stream_name, lambda: self.stream(contract), self.cluster)],
            sensors=[self._sensor(contract, job)],
        )

    @property
    def stream_name(self) -> str:
        """What the stream is called in asset keys, runs and commands."""
        return self.name or self.topic

    def stream(self, contract: Contract) -> Stream:
        """The stream that this declares, on the lake of the current environment."""
        return Stream(
            name=self.stream_name,
            topic=self.topic,
            domain=self.domain,
            contract=contract,
            lake=Lake.current(),
            window_minutes=self.window_minutes,
        )

    def cluster(self) -> Cluster:
        """The Kafka cluster, its address read now."""
        return Cluster(variable(self.bootstrap_variable), allow_plaintext=Settings.load().is_local, reader=self.reader)

    def _key(self, suffix: str = "") -> tuple[str, ...]:
        return ("bronze", self.domain, f"{self.stream_name}{suffix}")

    def _drain_assets(self, contract: Contract) -> dg.AssetsDefinition:
        specs = self._drain_specs(contract)

        @dg.multi_asset(
            name=f"drain_{self.stream_name}",
            specs=specs,
            check_specs=[
                *drain_checks([spec.key for spec in specs]),
                *contract_checks(specs[0].key, contract.suite),
            ],
            retry_policy=RETRY,
            pool=f"stream_{self.stream_name}",
        )
        def drain_topic(context: dg.AssetExecutionContext) -> Iterator[Any]:
            stream = self.stream(contract)
            # an attempt of its own, so that a retry is not taken for what the attempt before it has committed
            attempt = f"{context.run.run_id}.{context.retry_number}"
            with named_failures():
                report = drain(
                    stream,
                    self.cluster(),
                    run_id=attempt,
                    budget=timedelta(seconds=self.run_seconds),
                    batch_records=self.batch_records,
                    on_batch=lambda batch: context.log.info("%s", sentence(batch)),
                )
            yield from drain_results(stream, report, attempt)
            yield from contract_results(specs[0].key, contract.suite, stream.lake, context.run.run_id)
            yield lag_result(stream, lambda: lag(stream, self.cluster()))

        return drain_topic

    def _drain_specs(self, contract: Contract) -> list[dg.AssetSpec]:
        """Main, late and dead letters, in the order in which their results are told."""
        outside = [("kafka", self.topic)]
        kinds = {"kafka", "deltalake"}
        late = contract.event_time.late_after if contract.event_time else timedelta()
        return [
            bronze_spec(self._key(), contract, deps=outside, kinds=kinds),
            bronze_spec(
                self._key("_late"), contract, deps=outside, kinds=kinds,
                description=f"Events of {self.topic} that came more than {late} behind the newest of their partition.",
            ),
            bronze_spec(
                self._key("_dead_letters"), contract, deps=outside, kinds=kinds,
                description=f"Records of {self.topic} that break the contract: bytes, key, headers, offset, reason.",
                columns=DEAD_LETTERS_SCHEMA,
            ),
        ]  # fmt: skip

    def _window_assets(self, contract: Contract) -> dg.AssetsDefinition:
        spec = bronze_spec(
            ("silver", self.domain, f"{self.stream_name}_{self.window_minutes}m"),
            contract, deps=[self._key()], kinds={"duckdb", "deltalake"},
            description=(
                f"Events of {self.topic} in tumbling windows of {self.window_minutes} minutes by event type: records, "
                "events (each event_id once), unique users. A window appears when every partition has passed it."
            ),
            columns=WINDOWS_SCHEMA,
        )  # fmt: skip

        @dg.multi_asset(
            name=f"windows_{self.stream_name}",
            specs=[spec],
            check_specs=[window_check(spec.key)],
            retry_policy=RETRY,
        )
        def publish(context: dg.AssetExecutionContext) -> Iterator[Any]:
            stream = self.stream(contract)
            with named_failures():
                report = publish_windows(stream, self.cluster(), run_id=context.run.run_id)
            yield from window_results(stream, report)

        return publish

    def _metrics(self, contract: Contract, keys: Sequence[dg.AssetKey]) -> dg.AssetChecksDefinition:
        @dg.multi_asset_check(name=f"metrics_{self.stream_name}", specs=[anomaly_check(key) for key in sorted(keys)])
        def measure(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
            yield from watch_results(self.stream(contract), context.run.run_id)

        return measure

    def _sensor(self, contract: Contract, job: Any) -> dg.SensorDefinition:
        @dg.sensor(
            name=f"{self.stream_name}_lag",
            job=job,
            minimum_interval_seconds=15,
            default_status=default_sensor_status(Settings.load().is_local),
            description=f"Asks for a run when {self.topic} holds records that bronze does not. Reads none of them.",
        )
        def topic_lag(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
            under_way = run_in_flight(context.instance, STREAM, self.stream_name)
            if under_way:
                return dg.SkipReason(f"Run {under_way} is draining {self.topic}.")
            try:
                behind = lag(self.stream(contract), self.cluster())
            except (SettingMissing, OSError) as error:
                return dg.SkipReason(str(error))
            except Exception as error:
                if not getattr(error, "retryable", False):
                    raise
                return dg.SkipReason(str(error))
            return planned(self._key(), behind, self.topic, context.cursor)

        return topic_lag


def find_stream(name: str, defs_folder: Path = ROOT / "dataeng_assets" / "defs") -> tuple[Stream, Cluster]:
    """A stream by its name, as `defs/` declares it, and where its topic is.

    Raises:
        LookupError: no stream of that name is declared; names those that are.
    """
    component, contract = find_topic(name, defs_folder)
    return component.stream(contract), component.cluster()


def find_topic(name: str, defs_folder: Path = ROOT / "dataeng_assets" / "defs") -> tuple[KafkaTopicComponent, Contract]:
    """The declaration of a stream, by its name, and its contract.

    Raises:
        LookupError: no stream of that name is declared; names those that are.
    """
    known: dict[str, tuple[KafkaTopicComponent, Path]] = {}
    for path in sorted(defs_folder.glob("*/defs.yaml")):
        declaration = yaml.safe_load(path.read_text())
        if str(declaration.get("type", "")).endswith(KafkaTopicComponent.__name__):
            component = KafkaTopicComponent.model_validate(declaration["attributes"])
            known[component.stream_name] = component, path.parent
    if name not in known:
        raise LookupError(
            f"No stream {name!r} is declared below {defs_folder}. Declared: {', '.join(known) or 'none'}."
        )
    component, folder = known[name]
    return component, load_contract(folder / "contracts" / f"{component.topic}.yaml")
