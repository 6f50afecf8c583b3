"""The `dataeng generate` command that builds what was advised, or what is nearest to it.

Which pipelines can be generated is known elsewhere; it is asked here through a function.
"""

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from dataeng_assets.advise.questions import Answers
from dataeng_assets.advise.tuning import schedule

IsWritten = Callable[[Mapping[str, str]], bool]
"""Whether `dataeng generate` would take these options, by their names."""

_KINDS = {
    ("platform", "batch"): ("dagster",),
    ("platform", "streaming"): ("dagster",),
    ("warehouse-native", "batch"): ("airflow", "prefect", "dbt"),
    ("warehouse-native", "streaming"): ("kafka-connect", "spark-streaming", "flink-sql", "dbt"),
    ("spark", "batch"): ("airflow", "prefect", "spark-streaming"),
    ("spark", "streaming"): ("spark-streaming",),
    ("flink", "streaming"): ("flink-sql",),
    ("ksqldb", "streaming"): ("ksqldb",),
    ("kafka-streams", "streaming"): ("ksqldb", "flink-sql"),
    ("beam", "batch"): ("airflow", "prefect"),
    ("beam", "streaming"): ("flink-sql", "spark-streaming"),
}
"""Which kinds of pipelines are that processor's, the best first."""

_ITS_OWN = {
    "dagster": ("platform",),
    "airflow": ("warehouse-native",),
    "prefect": ("warehouse-native",),
    "dbt": ("warehouse-native",),
    "kafka-connect": ("warehouse-native",),
    "spark-streaming": ("spark",),
    "flink-sql": ("flink",),
    "ksqldb": ("ksqldb",),
}
"""Whose programs a kind writes."""

_ALL_KINDS = ("dagster", "airflow", "prefect", "spark-streaming", "flink-sql", "kafka-connect", "ksqldb", "dbt")
_NEAR = {
    "duckdb": ("delta", "postgres"),
    "delta": ("iceberg", "databricks", "duckdb"),
    "iceberg": ("delta", "databricks"),
    "postgres": ("duckdb", "delta"),
    "snowflake": ("databricks", "delta"),
    "bigquery": ("snowflake", "delta"),
    "redshift": ("snowflake", "delta"),
    "databricks": ("delta", "iceberg"),
    "kafka": ("delta",),
}
"""Destinations that are most like another one; they are tried first, then all others."""

_MODES = {
    "batch": (("incremental", "full"), ("streaming",)),
    "streaming": (("streaming", "changes"), ("incremental", "full")),
}
"""What is tried, and what is tried when none of it can be generated."""


@dataclass(frozen=True)
class Command:
    """A command, and what in it is not what was advised.

    Attributes:
        options: of `dataeng generate`, by name.
        remarks: sentences; empty when it builds exactly what was advised.
    """

    options: Mapping[str, str]
    remarks: tuple[str, ...]

    def __str__(self) -> str:
        """As it is typed."""
        words = (f"--{name} {shlex.quote(value)}" for name, value in self.options.items())
        return f"dataeng generate {' '.join(words)}"


def build_command(answers: Answers, chosen: Mapping[str, str], target: str, is_written: IsWritten) -> Command | None:
    """The first command that would be taken, the nearest to what was decided first; None where none would.

    Args:
        answers: all answers.
        chosen: the option of each decision, by name.
        target: the destination that was decided.
        is_written: asks what can be generated.
    """
    for options in _candidates(answers, chosen, target):
        if is_written(options):
            timed = {**options, "schedule": schedule(float(answers["latency"]))}
            if chosen["processing"] == "batch" and is_written(timed):
                options = timed
            return Command(options, tuple(_remarks(options, chosen, target)))
    return None


def _candidates(answers: Answers, chosen: Mapping[str, str], target: str) -> Iterator[Mapping[str, str]]:
    """From what was decided to what is less like it: other kinds first, then other destinations, then other modes."""
    kinds = (*_KINDS[chosen["processor"], chosen["processing"]], *_ALL_KINDS)
    source = str(answers["source"])
    destinations = dict.fromkeys((target, *_NEAR[target], *_NEAR))
    for modes in _MODES[chosen["processing"]]:
        for destination, kind, mode in product(destinations, kinds, modes):
            yield {"type": kind, "source": source, "destination": destination, "mode": mode}


def _remarks(options: Mapping[str, str], chosen: Mapping[str, str], target: str) -> Iterator[str]:
    kind, processor = options["type"], chosen["processor"]
    if processor not in _ITS_OWN[kind]:
        yield f"Programs for {processor} are not generated for this; {kind} is the nearest that is."
    if options["destination"] != target:
        yield f"Nothing that is generated goes from there to {target}; {options['destination']} is the nearest that is."
    if options["mode"] == "streaming" and chosen["processing"] == "batch":
        yield "The source is a stream, and it is read as one; a schedule may start and end it."
    if options["mode"] in ("incremental", "full") and chosen["processing"] == "streaming":
        yield "Nothing that is generated streams from there; this is a batch, to be run as often as it can."
