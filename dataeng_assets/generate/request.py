"""What was asked for, in words that can be checked before anything is looked up. Which combinations exist belongs in
`matrix`; which tables are meant is found above, in `orchestration`.
"""

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from enum import IntEnum, StrEnum
from keyword import iskeyword
from typing import TypeVar


class Kind(StrEnum):
    """For which system a pipeline is written."""

    DAGSTER = "dagster"
    AIRFLOW = "airflow"
    PREFECT = "prefect"
    SPARK_STREAMING = "spark-streaming"
    FLINK_SQL = "flink-sql"
    KSQLDB = "ksqldb"
    KAFKA_CONNECT = "kafka-connect"
    DBT = "dbt"
    KAFKA_PRODUCER = "kafka-producer"


class Source(StrEnum):
    """Where the data comes from."""

    POSTGRES = "postgres"
    KAFKA = "kafka"
    KINESIS = "kinesis"
    PUBSUB = "pubsub"
    FILES = "files"

    @property
    def is_stream(self) -> bool:
        """Whether it is a log of events that are described by a topic's contract."""
        return self in (Source.KAFKA, Source.KINESIS, Source.PUBSUB)


class Destination(StrEnum):
    """Where the data goes."""

    DUCKDB = "duckdb"
    DELTA = "delta"
    ICEBERG = "iceberg"
    POSTGRES = "postgres"
    SNOWFLAKE = "snowflake"
    BIGQUERY = "bigquery"
    REDSHIFT = "redshift"
    DATABRICKS = "databricks"
    KAFKA = "kafka"


class Mode(StrEnum):
    """How rows are found: all of them, by a watermark, from the database's log of changes, or as events."""

    FULL = "full"
    INCREMENTAL = "incremental"
    CHANGES = "changes"
    STREAMING = "streaming"


class Tier(IntEnum):
    """What generating may do beside writing files.

    Attributes:
        DEPLOYS: may bring what it wrote into the development environment.
        REVIEWED: writes for review; may look at the source.
        OFFLINE: writes files and opens no connection.
    """

    DEPLOYS = 1
    REVIEWED = 2
    OFFLINE = 3


class RequestRefused(Exception):
    """What was asked for cannot be done; the message says why and what is nearest."""


@dataclass(frozen=True)
class Request:
    """What was asked for.

    Attributes:
        name: of the pipeline, a Python identifier such as extract_shop.
        schedule: cron of five fields in UTC; empty for a stream.
        catchup: whether the time before the first run is made up for.
        retries: how often a failed step is tried again.
        retry_delay: between two tries.
        timeout: of one run.
        email_on_failure: who is written to when a run has failed.
        notify: variables that hold the addresses of whoever is told of a success.
        owner: who answers for the pipeline.
        said: the options that were given, by their names on the command line: what a kind does not take is refused.
    """

    kind: Kind
    source: Source
    destination: Destination
    mode: Mode
    name: str
    schedule: str = ""
    catchup: bool = False
    retries: int = 3
    retry_delay: timedelta = timedelta(minutes=5)
    timeout: timedelta = timedelta(hours=2)
    email_on_failure: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    owner: str = "data"
    tags: tuple[str, ...] = ()
    tier: Tier = Tier.REVIEWED
    said: tuple[tuple[str, str], ...] = ()

    @property
    def command(self) -> str:
        """The command that makes the same again, its `--output` aside."""
        return " ".join(["dataeng generate", *(f"--{name} {shlex.quote(value)}".rstrip() for name, value in self.said)])


Word = TypeVar("Word", bound=StrEnum)


def word(words: type[Word], given: str, option: str) -> Word:
    """The member that a text names.

    Raises:
        RequestRefused: there is none; names the nearest and all.
    """
    try:
        return words(given.strip().lower())
    except ValueError:
        known = [one.value for one in words]
        raise RequestRefused(
            f"{option} {given!r} is unknown.{nearest(given, known)} Known: {', '.join(known)}."
        ) from None


def nearest(given: str, known: Iterable[str]) -> str:
    """` Did you mean X?` for the nearest of the known words, or nothing."""
    by_letters = {one.lower(): one for one in known}
    near = get_close_matches(given.strip().lower(), list(by_letters), n=1)
    return f" Did you mean {by_letters[near[0]]!r}?" if near else ""


def identifier(given: str, option: str) -> str:
    """A name that Python, YAML and SQL take as it stands.

    Raises:
        RequestRefused: it is none; names one that is.
    """
    if re.fullmatch("[a-z][a-z0-9_]*", given) and not iskeyword(given):
        return given
    if iskeyword(given):
        raise RequestRefused(f"{option} {given!r} is a word of Python's own; try '{given}_pipeline'.")
    plain = re.sub(r"[^a-z0-9]+", "_", given.lower()).strip("_")
    proposed = plain if plain[:1].isalpha() and not iskeyword(plain) else f"pipeline_{plain}".rstrip("_")
    raise RequestRefused(
        f"{option} {given!r} is no plain name of small letters, digits and underscores; try {proposed!r}."
    )
