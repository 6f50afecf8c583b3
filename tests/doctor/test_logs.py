"""Logs: each excerpt follows the format that its system documents; beside each is a healthy log that stays silent."""

import bz2
import gzip
import lzma
import resource
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from doctor_kit import causes, missed, proof

from dataeng_assets.causes.catalogue import CAUSES
from dataeng_assets.causes.patterns import PATTERNS
from dataeng_assets.doctor.finding import Report, reported
from dataeng_assets.doctor.log_files.judge import judge_log
from dataeng_assets.doctor.log_files.lines import LONGEST_LINE


def finished(task: int, milliseconds: int, stage: int = 2) -> str:
    return (
        f"26/11/20 08:00:{task:02} INFO TaskSetManager: Finished task {task}.0 in stage {stage}.0 (TID {task}) "
        f"in {milliseconds} ms on host7 (executor 1) ({task}/12)"
    )


BEHIND = (
    "26/11/20 08:00:01 WARN ProcessingTimeExecutor: Current batch is falling behind. The trigger interval is 5000 "
    "milliseconds, but spent 12345 milliseconds"
)
EXPIRED = (
    "2026-11-20 08:00:00,123 INFO  org.apache.flink.runtime.checkpoint.CheckpointCoordinator [] - Checkpoint 12 of job "
    "a1b2c3d4 expired before completing."
)
COMPLETED = (
    "2026-11-20 08:01:00,123 INFO  org.apache.flink.runtime.checkpoint.CheckpointCoordinator [] - Completed checkpoint "
    "13 for job a1b2c3d4 (12345 bytes, checkpointDuration=80 ms, finalizationTime=2 ms)."
)
LOST = "26/11/20 08:00:00 ERROR TaskSchedulerImpl: Lost executor 3 on host7: Executor 3 exited with exit code 137 (SIGKILL)"  # noqa: E501  # as the system writes it
TROUBLED = {
    "a run over its limit": (
        "run-timed-out",
        (
            "2026-11-20 08:00:00 +0000 - dagster.daemon.MonitoringDaemon - INFO - Run 1a2b has exceeded maximum runtime of "  # noqa: E501  # as the system writes it
            "7200.0 seconds: terminating run."
        ),
        "it exceeded its limit of 7200 seconds",
    ),
    "an Airflow task over its timeout": (
        "run-timed-out",
        (
            "[2026-11-20T08:00:00.000+0000] {timeout.py:68} ERROR - Process timed out, PID: 42\n"
            "airflow.sdk.exceptions.AirflowTaskTimeout: Timeout, PID: 42"
        ),
        "Airflow ended a task at its timeout",
    ),
    "a step's process": (
        "killed-run",
        (
            "2026-11-20 08:00:00 +0000 - dagster - ERROR - job - 1a2b - Multiprocess executor: child process for step "
            "load_orders was terminated by signal 9 (SIGKILL)."
        ),
        "the process of step load_orders ended with 9",
    ),
    "an Airflow task killed": (
        "killed-run",
        "[2026-11-20T08:00:00.000+0000] {local_task_job_runner.py:266} INFO - Task exited with return code -9",
        "a task ended with -9",
    ),
    "the kernel": (
        "killed-run",
        (
            "Nov 20 08:00:00 host7 kernel: Out of memory: Killed process 4242 (python3) total-vm:9000000kB, "
            "anon-rss:8000kB"
        ),
        "killed process 4242 (python3)",
    ),
    "Spark's heap": (
        "spark-out-of-memory",
        (
            "26/11/20 08:00:00 ERROR Executor: Exception in task 3.0 in stage 2.0 (TID 45)\n"
            "java.lang.OutOfMemoryError: Java heap space\n"
            "\tat org.apache.spark.unsafe.map.BytesToBytesMap.allocate(BytesToBytesMap.java:804)"
        ),
        "line 2 (Spark): OutOfMemoryError: Java heap space",
    ),
    "a container of YARN": (
        "spark-out-of-memory",
        (
            "26/11/20 08:00:00 WARN YarnSchedulerBackend$YarnSchedulerEndpoint: Container killed by YARN for exceeding "
            "physical memory limits. 5.1 GB of 5 GB physical memory used."
        ),
        "used 5.1 GB of 5 GB",
    ),
    "an executor": ("spark-out-of-memory", f"{LOST}\n\tat org.apache.spark.rpc", "executor 3 exited with 137"),
    "a consumer that polls late": (
        "consumer-lag-grows",
        (
            "[2026-11-20 08:00:00,000] WARN [Consumer clientId=c-1, groupId=g] consumer poll timeout has expired. This "
            "means "
            "the time between subsequent calls to poll() was longer than the configured max.poll.interval.ms"
        ),
        "it polled too late",
    ),
    "offsets past retention": (
        "offsets-past-retention",
        (
            "[2026-11-20 08:00:00,000] INFO [Consumer clientId=c-1, groupId=g] Fetch position FetchPosition{offset=120, "  # noqa: E501  # as the system writes it
            "offsetEpoch=Optional.empty} is out of range for partition events-0, resetting offset"
        ),
        "offset 120 is out of range for partition events-0",
    ),
    "our own": (
        "offsets-past-retention",
        (
            "dataeng_assets.streams.errors.OffsetsLost: Topic events no longer has records that were never read, because "  # noqa: E501  # as the system writes it
            "its "
            "retention passed them or they were deleted: partition 3: offsets 10 to 19. Nothing was read."
        ),
        "topic events, partition 3: offsets 10 to 19 are gone",
    ),
    "a stream that stopped": (
        "stream-stopped",
        "dataeng_assets.streams.errors.TopicRecreated: Topic events now has the id x",
        "the stream stopped with TopicRecreated",
    ),
    "checkpoints": ("failing-checkpoint", f"{COMPLETED}\n{EXPIRED}", "checkpoint 12 of job a1b2c3d4 expired"),
    "batches": ("backpressure", "\n".join([BEHIND] * 3), "a batch took 12345 ms, and one begins every 5000 ms"),
    "one task": (
        "partition-skew",
        "\n".join([*(finished(task, 900) for task in range(11)), finished(11, 90_000)]),
        "stage 2.0: the slowest of 12 tasks took 90,000 ms (line 12), the median about 939 ms",
    ),
    "a test of dbt": (
        "duplicates",
        "08:00:00  12 of 20 FAIL 5 unique_dim_customers_customer_id ........ [FAIL 5 in 0.05s]",
        "test unique_dim_customers_customer_id failed with 5 keys",
    ),
    "a load": (
        "duplicates",
        (
            'psycopg.errors.UniqueViolation: duplicate key value violates unique constraint "orders_email_key"\n'
            "DETAIL:  Key (email)=(jane@example.com) already exists."
        ),
        "orders_email_key would have been broken",
    ),
    "freshness": (
        "stale-data",
        "08:00:00  1 of 1 ERROR STALE freshness of shop.orders ............ [ERROR STALE in 0.10s]",
        "source shop.orders is past its freshness",
    ),
    "a column": (
        "schema-drift",
        (
            "dataeng_assets.postgres.errors.SourceRefused: shop.orders is not what orders.yaml says: column status is "
            "missing. Nothing of this table was read"
        ),
        "shop.orders is not what orders.yaml says: column status is missing",
    ),
    "a statement": (
        "slow-query",
        (
            "2026-11-20 08:00:00.000 UTC [42] LOG:  duration: 65432.123 ms  statement: select * from users where email = "  # noqa: E501  # as the system writes it
            "'jane@example.com'"
        ),
        "line 1 at 2026-11-20 08:00:00 (Postgres): a statement took 65432 ms",
    ),
    "a model": (
        "slow-dbt-model",
        "08:00:00  7 of 9 OK created sql table model marts.fct_orders ........ [OK in 812.30s]",
        "model marts.fct_orders took 812 s",
    ),
    "a slot": (
        "slot-fills-disk",
        '2026-11-20 08:00:00.000 UTC [42] LOG:  invalidating obsolete replication slot "debezium"',
        "the server gave up slot debezium",
    ),
    "a run without its process": (
        "killed-run",
        "2026-11-20 08:00:00 +0000 - dagster - ERROR - job - 1a2b - The process 4242 of this run is gone.",
        "process 4242 of the run is gone",
    ),
    "a process that was killed": (
        "killed-run",
        "2026-11-20 08:00:00 +0000 - dagster - ERROR - job - 1a2b - The process that ran this was killed.",
        "the process of the run is gone",
    ),
    "a zombie of Airflow 2": (
        "killed-run",
        (
            "[2026-11-20T08:00:00.162+0000] {scheduler_job_runner.py:2110} ERROR - Detected zombie job: "
            "{'full_filepath': "
            "'/dags/load.py'}"
        ),
        "the scheduler found a task without a process",
    ),
    "a task of Airflow 3 without a heartbeat": (
        "killed-run",
        (
            "2026-11-20T08:00:00.162000Z [error    ] Detected a task instance without a heartbeat: {'DAG Id': 'load'} "
            "[airflow.jobs.scheduler_job_runner.SchedulerJobRunner]"
        ),
        "the scheduler found a task without a process",
    ),
    "Spark's execution memory": (
        "spark-out-of-memory",
        (
            "org.apache.spark.memory.SparkOutOfMemoryError: [UNABLE_TO_ACQUIRE_MEMORY] Unable to acquire 65536 "
            "bytes of "
            "memory, got 0. SQLSTATE: 53200"
        ),
        "a task asked for 65536 bytes of memory and got 0",
    ),
    "an executor that ends itself": (
        "spark-out-of-memory",
        (
            "26/11/20 08:00:00 ERROR TaskSchedulerImpl: Lost executor 4 on host7: Executor 4 exited with exit code 52\n"
            "\tat org.apache.spark.rpc"
        ),
        "executor 4 exited with 52",
    ),
    "a consumer of librdkafka": (
        "consumer-lag-grows",
        (
            "%4|1795161600.000|MAXPOLL|rdkafka#consumer-1| [thrd:main]: Application maximum poll interval (300000ms) "
            "exceeded by 255ms (adjust max.poll.interval.ms for long-running message processing): leaving group"
        ),
        "a consumer polled 255 ms after the 300000 ms that it may take",
    ),
    "librdkafka's offset": (
        "offsets-past-retention",
        "fetch failed due to requested offset not available on the broker: Broker: Offset out of range (broker 1)",
        "the broker no longer has the offset",
    ),
    "Spark's offsets": (
        "offsets-past-retention",
        (
            "Some data may have been lost because they are not available in Kafka any more; either the data was "
            "aged out "
            "by Kafka or the topic may have been deleted before all the data in the topic was processed."
        ),
        "Spark asked for offsets that Kafka no longer has",
    ),
    "a declined checkpoint": (
        "failing-checkpoint",
        (
            "2026-11-20 08:00:00,207 INFO  org.apache.flink.runtime.checkpoint.CheckpointCoordinator [] - Decline "
            "checkpoint 66 by task e65ff0e6 of job dd4f07c1."
        ),
        "checkpoint 66 was declined",
    ),
    "too many failed checkpoints": (
        "failing-checkpoint",
        "org.apache.flink.util.FlinkRuntimeException: Exceeded checkpoint tolerable failure threshold.",
        "more checkpoints failed than the job tolerates",
    ),
    "Spark's state": (
        "failing-checkpoint",
        "[CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS] An error occurred during loading state.",
        "Spark cannot read the state of its checkpoint: CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS",
    ),
    "an index": (
        "duplicates",
        '2026-11-20 08:00:00.000 UTC [42] ERROR:  could not create unique index "orders_email_key"',
        "the unique index orders_email_key cannot be made",
    ),
    "a merge": (
        "duplicates",
        "[DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE] Cannot perform Merge as multiple source rows matched",
        "several source rows of a merge have one key",
    ),
    "a Delta table's columns": (
        "schema-drift",
        (
            "pyspark.errors.exceptions.captured.AnalysisException: A schema mismatch detected when writing to "
            "the Delta "
            "table (Table ID: 1a2b)."
        ),
        "rows do not have the columns of the Delta table",
    ),
    "a Delta table's types": (
        "schema-drift",
        "[DELTA_FAILED_TO_MERGE_FIELDS] Failed to merge fields 'amount' and 'amount'",
        "field amount has another type than the table",
    ),
    "a column that Postgres does not have": (
        "schema-drift",
        'psycopg.errors.UndefinedColumn: column "status" does not exist',
        "column status is not there",
    ),
    "our own columns": (
        "schema-drift",
        "dataeng_assets.lake.errors.SchemaDiffers: bronze/shop/orders has no column status",
        "rows do not have the columns of the table",
    ),
    "a registry": (
        "schema-drift",
        'Schema being registered is incompatible with an earlier schema for subject "orders-value"',
        "the registry refused a schema (subject orders-value)",
    ),
    "a quota": ("disk-full", "OSError: [Errno 122] Disk quota exceeded", "a quota was used up"),
    "a disk": (
        "disk-full",
        (
            '2026-11-20 08:00:00.000 UTC [42] PANIC:  could not write to file "pg_wal/xlogtemp.42": No space left on '
            "device"
        ),
        "no space was left on a device",
    ),
}
HEALTHY = {
    "Dagster within the limit": "2026-11-20 08:00:00 +0000 - dagster - DEBUG - job - 1a2b - RUN_SUCCESS - Finished run.",  # noqa: E501  # as the system writes it
    "Airflow ended well": "[2026-11-20T08:00:00.000+0000] {taskinstance.py} INFO - Task exited with return code 0",
    "Spark spills": "26/11/20 08:00:00 INFO ExternalSorter: Task 3 spilling in-memory map of 5.1 GB to disk (1 time)",
    "an executor removed when idle": (
        "26/11/20 08:00:00 INFO ExecutorAllocationManager: Executor 3 removed, idle\n\tat org.apache.spark"
    ),
    "an executor that YARN took back": (
        "26/11/20 08:00:00 WARN YarnSchedulerBackend: Executor 3 exited with exit code 143 (preempted)\n"
        "\tat org.apache.spark"
    ),
    "a checkpoint after an expired one": f"{EXPIRED}\n{COMPLETED}",
    "two slow batches": f"{BEHIND}\n{BEHIND}",
    "tasks that all take long": "\n".join(finished(task, 80_000 + task) for task in range(12)),
    "few tasks": "\n".join([finished(1, 100), finished(2, 90_000)]),
    "a consumer within its range": "[2026-11-20 08:00:00,000] INFO Resetting offset for partition events-0 to 120.",
    "dbt": (
        "08:00:00  12 of 20 PASS unique_dim_customers_customer_id [PASS in 0.05s]\n"
        "08:00:00  1 of 1 PASS freshness of shop.orders [PASS in 0.10s]\n"
        "08:00:00  7 of 9 OK created sql table model marts.fct_orders [OK in 12.30s]"
    ),
    "Postgres": (
        "2026-11-20 08:00:00.000 UTC [42] LOG:  duration: 12.123 ms  statement: select 65432.1\n"
        '2026-11-20 08:00:00.000 UTC [42] LOG:  starting logical decoding for slot "debezium"'
    ),
}


def judged(path: Path, text: str) -> Report:
    path.write_text(text + "\n")
    return reported(judge_log(path))


@pytest.mark.parametrize("name", TROUBLED)
def test_a_log_of_trouble_names_its_cause_and_what_proves_it(tmp_path: Path, name: str) -> None:
    cause, text, expected = TROUBLED[name]
    report = judged(tmp_path / "log", text)
    assert causes(report.findings) == {cause}
    assert expected in proof(report.findings)
    assert report.exit_code == 1
    assert "jane" not in str(report.as_data())


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_log_stays_silent(tmp_path: Path, name: str) -> None:
    report = judged(tmp_path / "log", HEALTHY[name])
    assert causes(report.findings) == set()
    assert (missed(report.not_looked), report.exit_code) == ("", 0)


def test_every_pattern_is_of_a_cause_and_is_shown_by_an_excerpt() -> None:
    assert {pattern.cause for pattern in PATTERNS} <= CAUSES.keys()
    shown = [(cause, line) for cause, text, _ in TROUBLED.values() for line in text.splitlines()]
    without = [
        pattern.line.pattern
        for pattern in PATTERNS
        if not any(
            cause == pattern.cause and pattern.hint in line and pattern.line.search(line) for cause, line in shown
        )
    ]
    stopped = [line for line in without if line.startswith(r"\b") and line != r"\bSchemaDiffers: "]
    assert without == stopped, "only our own errors, which one pattern finds by their names, share an excerpt"


def test_memory_errors_of_another_java_program_are_no_sparks_and_no_pass(tmp_path: Path) -> None:
    report = judged(tmp_path / "log", "all is well\njava.lang.OutOfMemoryError: Java heap space\n\tat kafka.Kafka")
    assert causes(report.findings) == set()
    assert "1 lines of log tell of errors that the catalogue does not know, the first is line 2" in missed(
        report.not_looked
    )
    assert report.exit_code == 2


def test_many_lines_are_counted_and_a_few_are_told(tmp_path: Path) -> None:
    begin = datetime(2026, 11, 20)  # noqa: DTZ001  # as Postgres writes it
    lines = [f"{begin + timedelta(seconds=n)} UTC LOG:  duration: {9000 + n}.1 ms  statement: x" for n in range(500)]
    report = judged(tmp_path / "log", "\n".join(lines))
    assert report.findings[0].proof[0] == "line 1 at 2026-11-20 00:00:00 (Postgres): a statement took 9000 ms"
    assert report.findings[0].proof[-1] == "500 such lines, the last is line 500"
    assert len(report.findings[0].proof) == 4


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_a_compressed_log_is_read_and_a_broken_one_says_where_it_ended(tmp_path: Path, packed: object) -> None:
    noise = "".join(f"2026-11-20 08:00:00 INFO line {number * number}\n" for number in range(5_000))
    packed_bytes = packed(f"{COMPLETED}\n{noise}{EXPIRED}\n".encode())  # type: ignore[operator]
    path = tmp_path / "log.packed"
    path.write_bytes(packed_bytes)
    assert causes(judge_log(path)) == {"failing-checkpoint"}
    noise = "".join(f"2026-11-20 08:00:00 INFO {hash((number, 7))}\n" for number in range(20_000))
    packed_bytes = packed(f"{EXPIRED}\n{noise}".encode())  # type: ignore[operator]
    path.write_bytes(packed_bytes[: len(packed_bytes) * 9 // 10])
    report = reported(judge_log(path))
    assert "What was read before that is told" in missed(report.not_looked)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"PAR1\x00\x01\x02", "is binary"),
        ("duration: 9000.1 ms".encode("utf-16"), "iconv"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    report = reported(judge_log(path))
    assert why in missed(report.not_looked)
    assert report.exit_code == 2
    assert "is not there" in missed(judge_log(tmp_path / "nothing"))
    assert "is a folder" in missed(judge_log(tmp_path))


def test_a_large_log_with_a_line_of_any_length_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(40):
            file.write(b"x" * 1024 * 1024)
        file.write(b"\n")
        for _ in range(100):
            file.write(b"2026-11-20 08:00:00 INFO nothing happened at all\n" * 1000)
        file.write(EXPIRED.encode())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = reported(judge_log(path))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert causes(report.findings) == {"failing-checkpoint"}
    assert report.looked[0].count == 100_002
    assert grown < 32 * 1024, f"{grown} KiB for a line of 40 MiB and {LONGEST_LINE} looked at"
