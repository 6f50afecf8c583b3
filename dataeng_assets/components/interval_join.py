"""A join of two topics: events with equal keys that lie near each other in time."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import dagster as dg
from pydantic import Field, TypeAdapter, ValidationError

from dataeng_assets.components.bronze_specs import bronze_spec
from dataeng_assets.components.join_results import join_checks, join_results
from dataeng_assets.components.join_scaffold import IntervalJoinScaffolder
from dataeng_assets.components.kafka_topic import find_topic
from dataeng_assets.components.own_checks import with_own_checks
from dataeng_assets.components.run_sensors import run_sensor, unless_known
from dataeng_assets.components.stream_days import asked_days, filled_days
from dataeng_assets.contracts.model import Contract
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.orchestration.failures import RETRY, named_failures
from dataeng_assets.orchestration.partitions import daily
from dataeng_assets.streams.derived.interval_join.definition import IntervalJoin, Side, check, schema
from dataeng_assets.streams.derived.interval_join.publish import publish_join, publish_join_again
from dataeng_assets.streams.derived.spans import ranges
from dataeng_assets.streams.stream import Stream

JOIN = "dataeng/join"
_TICK_SECONDS = 30
_LENGTH: TypeAdapter[timedelta] = TypeAdapter(timedelta)


class SideOptions(dg.Model, dg.Resolvable):
    """One of the two streams."""

    stream: str = Field(description="name of a stream that a KafkaTopicComponent declares")
    key: list[str] = Field(
        description="columns that equal those of the other side, in the same order; a missing value equals nothing"
    )
    columns: dict[str, str] = Field(
        {},
        description="what is shown of its events: names in the table, each with a column of the stream; when empty all "
        "of them, with `left_` or `right_` before their names",
    )
    where: str = Field("", description="SQL over the event; only events for which it is true take part")

    def side(self, end: Literal["left", "right"], contract: Contract) -> Side:
        """The side of a join that this declares, over a contract's columns."""
        columns = self.columns or {f"{end}_{column.name}": column.name for column in contract.columns}
        return Side(tuple(self.key), tuple(columns.items()), self.where)


@dg.scaffold_with(IntervalJoinScaffolder)
class IntervalJoinComponent(dg.Component, dg.Model, dg.Resolvable):
    """Joins two streams into a table: each event on the left with those on the right that have its key and lie near it.

    The table follows from the events that are committed, so it is right however late they come. Lengths of time are
    written as in ISO 8601, such as `PT5M` or `P1D`.
    """

    name: str = Field(description="of the table, and of its job and sensor")
    domain: str = Field("", description="second part of the asset key; that of the left stream when empty")
    left: SideOptions = Field(description="the stream whose events the rows are about")
    right: SideOptions = Field(description="the stream that is looked up")
    before: str = Field("PT0S", description="how much earlier than its left event a right one may be; included")
    after: str = Field("PT0S", description="how much later it may be; included")
    keeps: Literal["inner", "left"] = Field(
        "inner", description="`inner` for pairs alone; `left` for left events without any, too, once none can come"
    )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The table, the job that publishes it, and the sensor that asks for it when either stream has new events."""
        folder = context.defs_module_path
        join, (left, right) = self.join(folder), self.streams(folder)
        asset = self._asset(join, left, right, folder)
        job = dg.define_asset_job(
            f"join_{self.name}",
            selection=with_own_checks(asset),
            description=f"Joins what has come into {left.name} and {right.name} since, where their events belong.",
            executor_def=dg.in_process_executor,
            tags={JOIN: self.name, "dagster/max_runtime": "3600"},
        )
        return dg.Definitions(assets=[asset], jobs=[job], sensors=[self._sensor(job, folder)])

    def join(self, defs_folder: Path) -> IntervalJoin:
        """The join that this declares, fit to be computed over both contracts' events.

        Raises:
            LookupError: a stream of that name is not declared.
            ValueError: a length of time cannot be read.
            JoinRefused: the contracts' events cannot be joined like that.
        """
        (_, left), (_, right) = find_topic(self.left.stream, defs_folder), find_topic(self.right.stream, defs_folder)
        sides = self.left.side("left", left), self.right.side("right", right)
        join = IntervalJoin(self.name, *sides, self._length("before"), self._length("after"), self.keeps)
        check(join, left, right)
        return join

    def streams(self, defs_folder: Path) -> tuple[Stream, Stream]:
        """Both streams, on the lake of the current environment."""
        left, right = (find_topic(side.stream, defs_folder) for side in (self.left, self.right))
        return left[0].stream(left[1]), right[0].stream(right[1])

    def clusters(self, defs_folder: Path) -> tuple[Cluster, Cluster]:
        """Where both topics are, addresses and secrets read now."""
        left, right = (find_topic(side.stream, defs_folder)[0].cluster() for side in (self.left, self.right))
        return left, right

    def key(self, left: Stream) -> tuple[str, ...]:
        """Of the table."""
        return "silver", self.domain or left.domain, self.name

    def _length(self, name: Literal["before", "after"]) -> int:
        said = getattr(self, name)
        try:
            return _LENGTH.validate_python(said) // timedelta(microseconds=1)
        except ValidationError:
            raise ValueError(f"join {self.name}: {name} is {said!r}, and should be like PT5M or P1D") from None

    def _asset(self, join: IntervalJoin, left: Stream, right: Stream, folder: Path) -> dg.AssetsDefinition:
        key = self.key(left)
        spec = bronze_spec(
            key, left.contract, deps=list(dict.fromkeys([left.main, right.main])), kinds={"duckdb", "deltalake"},
            description=self._in_words(join, left, right), columns=schema(join, left.contract, right.contract),
        )  # fmt: skip

        @dg.multi_asset(
            name=f"interval_join_{self.name}",
            specs=[spec],
            check_specs=join_checks(spec.key, join),
            partitions_def=daily(),
            backfill_policy=dg.BackfillPolicy.single_run(),
            retry_policy=RETRY,
        )
        def publish(context: dg.AssetExecutionContext) -> Iterator[Any]:
            streams, run_id, days = self.streams(folder), context.run.run_id, asked_days(context)
            with named_failures():
                if days:
                    report = publish_join_again(key, join, streams, days, run_id=run_id)
                else:
                    clusters = self.clusters(folder)
                    both = (streams[0], clusters[0]), (streams[1], clusters[1])
                    report = publish_join(key, join, *both, run_id=run_id)
                    yield from filled_days(context.instance, spec.key, ranges(report.replaced))
            yield from join_results(join, streams, report)

        return publish

    def _in_words(self, join: IntervalJoin, left: Stream, right: Stream) -> str:
        keys = ", ".join(f"{a} = {b}" for a, b in zip(join.left.key, join.right.key, strict=True))
        before, after = (timedelta(microseconds=length) for length in (join.before, join.after))
        rest = " An event without any appears once none can come any more." if join.keeps == "left" else ""
        return (
            f"Events of {left.name} with those of {right.name} that have {keys} and are {before} earlier to {after} "
            f"later, both ends included.{rest} What comes after that and is not too late replaces the rows it touches."
        )

    def _sensor(self, job: Any, folder: Path) -> dg.SensorDefinition:
        kind = JOIN, self.name

        def versions() -> list[int]:
            return [of.lake.open(of.main).version() for of in self.streams(folder)]

        return run_sensor(
            job,
            f"{self.name}_follows",
            unless_known(kind, versions, f"{self.name} knows both streams as they are"),
            kind=kind,
            doing=f"joining {self.name}",
            seconds=_TICK_SECONDS,
            description=f"Asks for a run when {self.left.stream} or {self.right.stream} has grown since the last one.",
        )
