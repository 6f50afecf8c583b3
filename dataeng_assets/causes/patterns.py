"""Which line of a log proves which cause. A proof repeats what the named groups of a pattern hold, never the line.

The formats are those that the systems document or print; where a single line is no trouble, `at_least` or `over` says
so. What needs several lines to be judged, such as skew, belongs in `skew`.
"""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Pattern:
    """A line that proves a cause.

    Attributes:
        cause: id in the catalogue.
        system: whose log it is.
        hint: text that every such line has; looked for first, because that is quick.
        line: must be found in the line.
        says: the proof, with the names of groups in braces.
        only_in: found somewhere in the log, or else the line is another system's; nothing is asked for when empty.
        over: a later line with it takes back what was found; nothing does when empty.
        at_least: so many lines, or it is no trouble.
        names: capitals of the remedy's commands by the group that tells them.
    """

    cause: str
    system: str
    hint: str
    line: re.Pattern[str]
    says: str
    only_in: str = ""
    over: str = ""
    at_least: int = 1
    names: dict[str, str] = field(default_factory=dict)


_ID = r"[\w.:/-]+"
_QUOTED = r"\\?[\"'](?P<name>[\w.$-]+)\\?[\"']"
_SPARK = "org.apache.spark"
_STOPPED = ("TopicRecreated", "OffsetsBehind", "ProgressGap", "RowsRemoved", "RoutingChanged", "RuleUndecided")


def _pattern(
    cause: str, system: str, hint: str, line: str, says: str, *, only_in: str = "", over: str = "", at_least: int = 1
) -> Pattern:
    return Pattern(cause, system, hint, re.compile(line), says, only_in, over, at_least)


PATTERNS = (
    _pattern(
        "run-timed-out",
        "Dagster",
        "aximum runtime",
        r"[Ee]xceed(?:ed|ing) maximum runtime of (?P<seconds>\d+)",
        "it exceeded its limit of {seconds} seconds",
    ),
    _pattern(
        "run-timed-out",
        "Airflow",
        "AirflowTaskTimeout",
        r"AirflowTaskTimeout",
        "Airflow ended a task at its timeout",
    ),
    _pattern(
        "killed-run",
        "Dagster",
        "child process for step",
        rf"child process for step (?P<step>{_ID}) (?:was terminated by signal|unexpectedly exited with code) "
        rf"(?P<code>-?\d+)",
        "the process of step {step} ended with {code}",
    ),
    _pattern(
        "killed-run",
        "Dagster",
        "of this run is gone",
        r"The process (?P<pid>\d+) of this run is gone",
        "process {pid} of the run is gone",
    ),
    _pattern(
        "killed-run",
        "Dagster",
        "that ran this",
        r"The process that ran this (?:was killed|is gone)",
        "the process of the run is gone",
    ),
    _pattern(
        "killed-run",
        "Airflow",
        "-9",
        r"(?:exited with return code|exit_code\\?[\"']?[=:]) ?(?P<code>-9)\b",
        "a task ended with {code}: SIGKILL",
    ),
    _pattern(
        "killed-run",
        "Airflow",
        "Detected ",
        r"Detected (?:zombie job|a task instance without a heartbeat)",
        "the scheduler found a task without a process",
    ),
    _pattern(
        "killed-run",
        "the kernel",
        "Killed process",
        r"Out of memory: Killed process (?P<pid>\d+) \((?P<program>[\w.-]+)\)",
        "the kernel ran out of memory and killed process {pid} ({program})",
    ),
    _pattern(
        "spark-out-of-memory",
        "Spark",
        "OutOfMemoryError",
        r"java\.lang\.OutOfMemoryError: (?P<what>Java heap space|GC overhead limit exceeded|Direct buffer memory|"
        r"unable to create native thread|Requested array size exceeds VM limit|Metaspace)",
        "OutOfMemoryError: {what}",
        only_in=_SPARK,
    ),
    _pattern(
        "spark-out-of-memory",
        "Spark",
        "UNABLE_TO_ACQUIRE_MEMORY",
        r"Unable to acquire (?P<asked>\d+) bytes of memory, got (?P<got>\d+)",
        "a task asked for {asked} bytes of memory and got {got}",
    ),
    _pattern(
        "spark-out-of-memory",
        "Spark",
        "exceeding",
        r"Container killed by YARN for exceeding (?:physical |virtual )?memory limits\.\s+(?P<used>[\d.]+ \w+) of "
        r"(?P<limit>[\d.]+ \w+)",
        "YARN killed a container that used {used} of {limit}",
    ),
    _pattern(
        "spark-out-of-memory",
        "Spark",
        "xecutor",
        r"(?i)(?:executor (?:with id )?(?P<executor>\d+)\b.*?exit(?:ed with exit)? code(?: is|:)? "
        r"?(?P<code>137|52)\b)",
        "executor {executor} exited with {code}",
        only_in=_SPARK,
    ),
    _pattern(
        "consumer-lag-grows",
        "Kafka",
        "poll timeout has expired",
        r"consumer poll timeout has expired",
        "a consumer was put out of its group: it polled too late",
    ),
    _pattern(
        "consumer-lag-grows",
        "Kafka",
        "aximum poll interval",
        r"maximum poll interval \((?P<limit>\d+) ?ms\) exceeded by (?P<late>\d+) ?ms",
        "a consumer polled {late} ms after the {limit} ms that it may take",
    ),
    _pattern(
        "offsets-past-retention",
        "Kafka",
        "out of range",
        rf"(?:offset(?:=|:? )(?P<offset>\d+).*?)is out of range for (?:topic-)?partition (?P<partition>{_ID})",
        "offset {offset} is out of range for partition {partition}",
    ),
    _pattern(
        "offsets-past-retention",
        "Kafka",
        "Offset out of range",
        r"Broker: Offset out of range",
        "the broker no longer has the offset that was asked for",
    ),
    _pattern(
        "offsets-past-retention",
        "Spark",
        "not available in Kafka any more",
        r"Some data may have been lost because they are not available in Kafka any more",
        "Spark asked for offsets that Kafka no longer has",
    ),
    _pattern(
        "offsets-past-retention",
        "the platform",
        "its retention passed them",
        rf"Topic (?P<topic>{_ID}) no longer has records.*?partition (?P<partition>\d+): offsets (?P<first>\d+) to "
        rf"(?P<last>\d+)",
        "topic {topic}, partition {partition}: offsets {first} to {last} are gone",
    ),
    *(
        _pattern("stream-stopped", "the platform", f"{error}: ", rf"\b{error}: ", f"the stream stopped with {error}")
        for error in _STOPPED
    ),
    _pattern(
        "failing-checkpoint",
        "Flink",
        "xpired before completing",
        rf"Checkpoint (?P<number>\d+) of job (?P<job>{_ID}) expired before completing",
        "checkpoint {number} of job {job} expired, and none was completed after it",
        over="Completed checkpoint ",
    ),
    _pattern(
        "failing-checkpoint",
        "Flink",
        "ecline",
        r"(?:Decline checkpoint|Checkpoint) (?P<number>\d+) (?:by task|of job \w+ (?:was )?declined)",
        "checkpoint {number} was declined, and none was completed after it",
        over="Completed checkpoint ",
    ),
    _pattern(
        "failing-checkpoint",
        "Flink",
        "tolerable failure threshold",
        r"Exceeded checkpoint tolerable failure threshold",
        "more checkpoints failed than the job tolerates",
    ),
    _pattern(
        "failing-checkpoint",
        "Spark",
        "CANNOT_LOAD_STATE_STORE",
        r"\[(?P<error>CANNOT_LOAD_STATE_STORE[\w.]*)\]",
        "Spark cannot read the state of its checkpoint: {error}",
    ),
    _pattern(
        "backpressure",
        "Spark",
        "falling behind",
        r"Current batch is falling behind\. The trigger interval is (?P<interval>\d+) milliseconds?, but spent "
        r"(?P<spent>\d+)",
        "a batch took {spent} ms, and one begins every {interval} ms",
        at_least=3,
    ),
    _pattern(
        "duplicates",
        "dbt",
        "FAIL",
        r"FAIL (?P<rows>\d+) (?P<test>unique_[\w.-]+)",
        "test {test} failed with {rows} keys",
    ),
    _pattern(
        "duplicates",
        "Postgres",
        "UniqueViolation",
        rf"UniqueViolation: duplicate key value violates unique constraint {_QUOTED}",
        "a load was refused: {name} would have been broken",
    ),
    _pattern(
        "duplicates",
        "Postgres",
        "could not create unique index",
        rf"could not create unique index {_QUOTED}",
        "the unique index {name} cannot be made",
    ),
    _pattern(
        "duplicates",
        "Delta",
        "MULTIPLE_SOURCE_ROW",
        r"DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE",
        "several source rows of a merge have one key",
    ),
    _pattern(
        "stale-data",
        "dbt",
        "STALE",
        rf"ERROR STALE freshness of (?P<source>{_ID})",
        "source {source} is past its freshness",
    ),
    _pattern(
        "schema-drift",
        "Spark",
        "schema mismatch",
        r"A schema mismatch detected when writing to the Delta table",
        "rows do not have the columns of the Delta table",
    ),
    _pattern(
        "schema-drift",
        "Spark",
        "DELTA_FAILED_TO_MERGE_FIELDS",
        r"DELTA_FAILED_TO_MERGE_FIELDS\]?.*?[fF]ields '(?P<field>[\w.]+)'",
        "field {field} has another type than the table",
    ),
    _pattern(
        "schema-drift",
        "Postgres",
        "UndefinedColumn",
        rf"UndefinedColumn: column {_QUOTED} (?:of relation \S+ )?does not",
        "column {name} is not there",
    ),
    _pattern(
        "schema-drift",
        "the platform",
        "is not what",
        rf"(?P<table>{_ID}) is not what (?P<file>[\w.-]+\.yaml) says: (?P<what>column [\w ,.()-]+)",
        "{table} is not what {file} says: {what}",
    ),
    _pattern(
        "schema-drift",
        "the platform",
        "SchemaDiffers",
        r"\bSchemaDiffers: ",
        "rows do not have the columns of the table",
    ),
    _pattern(
        "schema-drift",
        "the schema registry",
        "incompatible with an earlier schema",
        r"incompatible with an earlier schema(?: for subject \\?\"(?P<subject>[\w.-]+)\\?\")?",
        "the registry refused a schema (subject {subject})",
    ),
    _pattern(
        "slow-query",
        "Postgres",
        "duration: ",
        r"duration: (?P<milliseconds>[5-9]\d{3}|\d{5,})\.\d+ ms",
        "a statement took {milliseconds} ms",
    ),
    _pattern(
        "slow-dbt-model",
        "dbt",
        "model ",
        rf"OK created sql \w+ model (?P<model>{_ID}) .*?in (?P<seconds>[6-9]\d\d|\d{{4,}})(?:\.\d+)?s",
        "model {model} took {seconds} s",
    ),
    _pattern(
        "slot-fills-disk",
        "Postgres",
        "replication slot",
        rf"(?:invalidating obsolete|to release) replication slot {_QUOTED}",
        "the server gave up slot {name}",
    ),
    _pattern(
        "disk-full", "any", "No space left on device", r"No space left on device", "no space was left on a device"
    ),
    _pattern("disk-full", "any", "isk quota exceeded", r"Disk quota exceeded", "a quota was used up"),
)
