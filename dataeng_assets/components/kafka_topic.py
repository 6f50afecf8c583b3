"""A Kafka topic that is written to bronze by micro-batches, with its dead letters, late events and windows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import yaml
from pydantic import Field

from dataeng_assets.components.bronze_specs import bronze_spec, source_spec
from dataeng_assets.components.contract_checks import contract_checks, contract_results
from dataeng_assets.components.declared_tables import DeduplicatedOptions, EnrichedOptions, declared_tables
from dataeng_assets.components.declared_windows import WindowsOptions, declared, in_words
from dataeng_assets.components.derived_tables import following_versions, table_assets
from dataeng_assets.components.own_checks import with_own_checks
from dataeng_assets.components.replay_jobs import replay_stream_job
from dataeng_assets.components.run_sensors import run_sensor
from dataeng_assets.components.scaffold import KafkaTopicScaffolder
from dataeng_assets.components.stream_changes import changes_spec, tell_of_changes
from dataeng_assets.components.stream_days import asked_days, filled_days
from dataeng_assets.components.stream_gaps import gaps_spec
from dataeng_assets.components.stream_health import health_results
from dataeng_assets.components.stream_metrics import watch_results
from dataeng_assets.components.stream_results import (
    drain_checks,
    drain_results,
    lag_result,
    planned,
    resident_sentence,
    sentence,
    window_check,
    window_results,
)
from dataeng_assets.components.stream_states import state_specs, tell_of_states
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.contracts.model import Contract
from dataeng_assets.kafka.access import SECURITY, Role, cluster_at, refuse_insecure
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.registry.opened import declared_registry, refuse_insecure_registry
from dataeng_assets.kafka.registry.schemas import SchemaStore
from dataeng_assets.kafka.security import Security
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.failures import RETRY, named_failures
from dataeng_assets.orchestration.metrics import anomaly_check
from dataeng_assets.orchestration.partitions import daily
from dataeng_assets.settings import ROOT, SettingMissing, variable
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.health.take import keep_sample
from dataeng_assets.streams.lag import lag
from dataeng_assets.streams.lease import holders
from dataeng_assets.streams.stream import DEAD_LETTERS_SCHEMA, Stream
from dataeng_assets.streams.windows import WINDOWS_SCHEMA, publish_windows, publish_windows_again
from dataeng_assets.streams.windows.definition import Windows, schema

STREAM = "dataeng/stream"
_TICK_SECONDS = 15


@dg.scaffold_with(KafkaTopicScaffolder)
class KafkaTopicComponent(dg.Component, dg.Model, dg.Resolvable):
    """Writes one Kafka topic to bronze, each offset exactly once, and publishes its windows.

    The sensor plans and never consumes; the run drains many micro-batches until it has caught up.
    """

    topic: str = Field(description="name of the topic, and of the contract in the folder `contracts`")
    name: str = Field("", description="name of the stream and its tables; the topic's when empty")
    domain: str = Field(description="second part of the asset keys")
    bootstrap_variable: str = Field(description="environment variable that holds the brokers' addresses")
    registry_variable: str = Field(
        "",
        description="environment variable that holds the schema registry's address; the schemas are the files in the "
        "folder `schemas`, beside `contracts`, when empty",
    )
    security: Security | None = Field(
        None, description="how to log in outside of the local services, see below; never holds a secret"
    )
    security_variable: str = Field(
        SECURITY, description="environment variable that names a file with `security`, which wins over what stands here"
    )
    window_minutes: int = Field(
        5, description="length of the tumbling windows by event_type that count events and users; 0 for none"
    )
    windows: list[WindowsOptions] = Field([], description="further tables of windows")
    deduplicated: DeduplicatedOptions | None = Field(None, description="a table of the events without repeats")
    enriched: list[EnrichedOptions] = Field(
        [], description="tables of the events with the database's rows that were valid at their time"
    )
    batch_records: int = Field(100_000, description="most records in one micro-batch; memory follows it")
    max_records_per_second: float | None = Field(
        None, gt=0, description="the stream reads no more than this on average; as much as it can when not set"
    )
    resident_interval_seconds: float = Field(
        0.2,
        gt=0,
        description="how often a resident worker commits (`dataeng stream run`), so about how fresh the tables are: "
        "each commit costs CPU and makes small files",
    )
    reader: Literal["confluent-kafka", "kafka-python"] = Field(
        "confluent-kafka",
        description="client that reads the records; kafka-python where the other has no wheel",
    )
    run_seconds: int = Field(240, description="how long one run may drain before it ends and the next is asked for")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The topic as an external asset, its tables, its windows, the job that drains it and the sensor."""
        refuse_insecure(self.topic, self.bootstrap_variable, self.security, security_variable=self.security_variable)
        refuse_insecure_registry(self.topic, self.registry_variable)
        contract = load_contract(context.path / "contracts" / f"{self.topic}.yaml")
        tables, windows = self._drain_assets(contract), self._windows_assets(contract)
        definitions = self.stream(contract).tables()
        follow = table_assets(lambda: self.stream(contract), self.cluster, definitions)
        by_type = [self._window_key()] if self.window_minutes else []
        metrics = self._metrics(contract, [*tables.keys, *by_type])
        followed = (tables, *windows, *follow)
        job = dg.define_asset_job(
            f"stream_{self.stream_name}",
            selection=with_own_checks(*followed),
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
        outside = source_spec(("kafka", self.topic), contract, "kafka")
        noted = [gaps_spec(self._key("_gaps"), self.topic, contract), *state_specs(self._key(), self.topic, contract)]
        noted.append(changes_spec(self._key("_changes"), self.topic, contract))
        own = dg.Definitions(
            assets=[outside, *noted, tables, *windows, *follow],
            asset_checks=[metrics],
            jobs=[job, watch, replay_stream_job(self.stream_name, lambda: self.stream(contract), self.cluster)],
            sensors=[self._sensor(contract, job)],
        )
        return dg.Definitions.merge(own, following_versions(lambda: self.stream(contract), follow, definitions))

    @property
    def stream_name(self) -> str:
        """What the stream is called in asset keys, runs and commands."""
        return self.name or self.topic

    def stream(self, contract: Contract) -> Stream:
        """The stream that this declares, on the lake of the current environment."""
        stream = Stream(
            name=self.stream_name,
            topic=self.topic,
            domain=self.domain,
            contract=contract,
            lake=Lake.current(),
            window_minutes=self.window_minutes,
            more_windows=tuple(declared(self.windows, contract, {f"{self.window_minutes}m"})),
            registry=(lambda: self.registry(contract)) if self._has_registry(contract) else None,
        )
        return replace(stream, tables=lambda: declared_tables(self.deduplicated, self.enriched, stream))

    def cluster(self, role: Role = Role.READER) -> Cluster:
        """The Kafka cluster, its address and its secrets read now, as a user who may do what a role needs."""
        return cluster_at(
            variable(self.bootstrap_variable),
            self.security,
            role=role,
            security_variable=self.security_variable,
            reader=self.reader,
        )

    def registry(self, contract: Contract) -> SchemaStore:
        """Where the schemas of the topic's records are, its address and credentials read now."""
        return declared_registry(self.registry_variable, _schemas_folder(contract))

    def _has_registry(self, contract: Contract) -> bool:
        """Whether numbers of schemas are looked up; JSON is readable without, where nobody keeps its schemas."""
        is_json = contract.records.value.kind == "json"
        return not is_json or bool(self.registry_variable) or _schemas_folder(contract).is_dir()

    def _key(self, suffix: str = "") -> tuple[str, ...]:
        return ("bronze", self.domain, f"{self.stream_name}{suffix}")

    def _drain_assets(self, contract: Contract) -> dg.AssetsDefinition:
        specs = self._drain_specs(contract)

        @dg.multi_asset(
            name=f"drain_{self.stream_name}",
            specs=specs,
            check_specs=[
                *drain_checks([spec.key for spec in specs], contract.health),
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
                    records_per_second=self.max_records_per_second,
                    on_batch=lambda batch: context.log.info("%s", sentence(batch)),
                )
            yield from drain_results(stream, report, attempt)
            yield from contract_results(specs[0].key, contract.suite, stream.lake, context.run.run_id)
            behind = cache(lambda: lag(stream, self.cluster()))
            keep_sample(
                stream,
                report.batches,
                run_id=attempt,
                seconds=report.seconds,
                measure=behind,
                interval_seconds=_TICK_SECONDS,
            )
            yield lag_result(stream, behind)
            yield from health_results(stream)
            tell_of_states(context.instance, stream)
            tell_of_changes(context.instance, stream)

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

    def _window_key(self) -> dg.AssetKey:
        """Of the windows by event type."""
        return dg.AssetKey(["silver", self.domain, f"{self.stream_name}_{self.window_minutes}m"])

    def _windows_assets(self, contract: Contract) -> list[dg.AssetsDefinition]:
        """One asset for each table of windows."""
        more = declared(self.windows, contract, {f"{self.window_minutes}m"})
        found = [self._by_type(contract)] if self.window_minutes else []
        for windows in more:
            spec = bronze_spec(
                ("silver", self.domain, f"{self.stream_name}_{windows.name}"),
                contract, deps=[self._key()], kinds={"duckdb", "deltalake"},
                description=f"Events of {self.topic} in {in_words(windows)}. A window appears when every partition has "
                "passed its end; an event that comes after that and is not too late replaces its row.",
                columns=schema(windows, contract),
            )  # fmt: skip
            found.append(self._published(f"windows_{self.stream_name}_{windows.name}", contract, spec, windows))
        return found

    def _by_type(self, contract: Contract) -> dg.AssetsDefinition:
        spec = bronze_spec(
            tuple(self._window_key().path),
            contract, deps=[self._key()], kinds={"duckdb", "deltalake"},
            description=(
                f"Events of {self.topic} in tumbling windows of {self.window_minutes} minutes by event type: records, "
                "events (each event_id once), unique users. A window appears when every partition has passed it."
            ),
            columns=WINDOWS_SCHEMA,
        )  # fmt: skip

        return self._published(f"windows_{self.stream_name}", contract, spec, None)

    def _published(
        self, name: str, contract: Contract, spec: dg.AssetSpec, windows: Windows | None
    ) -> dg.AssetsDefinition:
        """The asset of one table of windows; of those by event type when none are given.

        It has days, so that a person can ask for some of them: they are computed anew, and the stream goes on.
        """

        @dg.multi_asset(
            name=name,
            specs=[spec],
            check_specs=[window_check(spec.key)],
            partitions_def=daily(),
            backfill_policy=dg.BackfillPolicy.single_run(),
            retry_policy=RETRY,
        )
        def publish(context: dg.AssetExecutionContext) -> Iterator[Any]:
            stream, run_id, days = self.stream(contract), context.run.run_id, asked_days(context)
            with named_failures():
                if days:
                    report = publish_windows_again(stream, days, run_id=run_id, windows=windows)
                else:
                    report = publish_windows(stream, self.cluster(), run_id=run_id, windows=windows)
                    yield from filled_days(context.instance, spec.key, report.replaced)
            yield from window_results(stream, report, windows)

        return publish

    def _metrics(self, contract: Contract, keys: Sequence[dg.AssetKey]) -> dg.AssetChecksDefinition:
        @dg.multi_asset_check(
            name=f"metrics_{self.stream_name}",
            specs=[anomaly_check(key) for key in sorted(keys)],
            can_subset=True,  # else no table of these could be asked for alone
        )
        def measure(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
            wanted = {tuple(check.asset_key.path) for check in context.selected_asset_check_keys}
            yield from watch_results(self.stream(contract), context.run.run_id, wanted)

        return measure

    def _sensor(self, contract: Contract, job: Any) -> dg.SensorDefinition:
        def ask(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
            try:
                residents = holders(self.stream(contract))
                if residents:
                    return dg.SkipReason(resident_sentence(self.topic, residents))
                behind = lag(self.stream(contract), self.cluster())
            except (SettingMissing, OSError) as error:
                return dg.SkipReason(str(error))
            except Exception as error:
                if not getattr(error, "retryable", False):
                    raise
                return dg.SkipReason(str(error))
            return planned(self._key(), behind, self.topic, context.cursor)

        return run_sensor(
            job,
            f"{self.stream_name}_lag",
            ask,
            kind=(STREAM, self.stream_name),
            doing=f"draining {self.topic}",
            seconds=_TICK_SECONDS,
            description=f"Asks for a run when {self.topic} holds records that bronze does not. Reads none of them.",
        )


def _schemas_folder(contract: Contract) -> Path:
    return contract.path.parent.parent / "schemas"


def find_stream(
    name: str, defs_folder: Path = ROOT / "dataeng_assets" / "defs", *, role: Role = Role.READER
) -> tuple[Stream, Cluster]:
    """A stream by its name, as `defs/` declares it, and where its topic is, for a user who may do what a role needs.

    Raises:
        LookupError: no stream of that name is declared; names those that are.
    """
    component, contract = find_topic(name, defs_folder)
    return component.stream(contract), component.cluster(role)


def find_topic(name: str, defs_folder: Path = ROOT / "dataeng_assets" / "defs") -> tuple[KafkaTopicComponent, Contract]:
    """The declaration of a stream, by its name, and its contract.

    Raises:
        LookupError: no stream of that name is declared; names those that are.
    """
    known = _declared(defs_folder)
    if name not in known:
        raise LookupError(
            f"No stream {name!r} is declared below {defs_folder}. Declared: {', '.join(known) or 'none'}."
        )
    return known[name][0], _contract(*known[name])


def find_topics(defs_folder: Path = ROOT / "dataeng_assets" / "defs") -> list[tuple[KafkaTopicComponent, Contract]]:
    """The declarations of all streams, by their names, and their contracts."""
    return [(component, _contract(component, folder)) for component, folder in _declared(defs_folder).values()]


def _declared(defs_folder: Path) -> dict[str, tuple[KafkaTopicComponent, Path]]:
    known: dict[str, tuple[KafkaTopicComponent, Path]] = {}
    for path in sorted(defs_folder.glob("*/defs.yaml")):
        declaration = yaml.safe_load(path.read_text())
        if str(declaration.get("type", "")).endswith(KafkaTopicComponent.__name__):
            component = KafkaTopicComponent.model_validate(declaration["attributes"])
            known[component.stream_name] = component, path.parent
    return dict(sorted(known.items()))


def _contract(component: KafkaTopicComponent, folder: Path) -> Contract:
    return load_contract(folder / "contracts" / f"{component.topic}.yaml")
