"""The kinds of pipelines by name, each loaded when it is asked for. What a kind writes belongs in its own folder."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from dataeng_assets.generate.matrix import Refusal, Row
from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.request import Kind

KINDS: Mapping[Kind, str] = {
    Kind.DAGSTER: "dataeng_assets.generate.dagster",
    Kind.AIRFLOW: "dataeng_assets.generate.airflow",
    Kind.PREFECT: "dataeng_assets.generate.prefect",
    Kind.DBT: "dataeng_assets.generate.dbt",
    Kind.FLINK_SQL: "dataeng_assets.generate.flink_sql",
    Kind.KSQLDB: "dataeng_assets.generate.ksqldb",
    Kind.KAFKA_CONNECT: "dataeng_assets.generate.kafka_connect",
    Kind.KAFKA_PRODUCER: "dataeng_assets.generate.kafka_producer",
    Kind.SPARK_STREAMING: "dataeng_assets.generate.spark_streaming",
}
"""The module of each kind that can be generated."""


class KindModule(Protocol):
    """What a kind's module holds.

    Attributes:
        ROWS: the combinations that exist; the first one that fits stands in for what was not said.
        REFUSALS: why others do not; the first one that fits is told.
        UNTAKEN: why an option is not taken, by its name on the command line.
    """

    ROWS: Sequence[Row]
    REFUSALS: Sequence[Refusal]
    UNTAKEN: Mapping[str, str]

    def files(self, pipeline: Pipeline) -> Generated:
        """The texts of a pipeline."""


def kind_module(kind: Kind) -> KindModule:
    """The module of a kind.

    Raises:
        KeyError: there is none.
    """
    return cast("KindModule", import_module(KINDS[kind]))
