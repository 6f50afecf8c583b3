"""Causes that jobs of other systems have, and dbt's models."""

from dataeng_assets.causes.cause import Cause, Step

JOBS = (
    Cause(
        "spark-out-of-memory",
        "Spark ran out of memory",
        symptoms=("Executors are lost, tasks are tried again, the job fails after the fourth time.",),
        looked_for=("logs of Spark, and of Dagster runs that started it",),
        proof="`OutOfMemoryError`, a container killed for exceeding its memory, or an executor that exited with 137 or "
        "143. Spilling to the disk is none: it is slow and not wrong.",
        remedy=(
            Step(
                "See which stage has the largest tasks, and whether one of them is skewed.",
                "dataeng analyze --event-log FILE",
            ),
            Step(
                "Make partitions smaller: `spark.sql.adaptive.enabled=true`, or a higher "
                "`spark.sql.shuffle.partitions`."
            ),
            Step("On the driver: do not `collect()`, and lower `spark.sql.autoBroadcastJoinThreshold`."),
            Step(
                "Killed from outside (137, YARN, Kubernetes): raise `spark.executor.memoryOverhead`, as Python and "
                "network buffers lie outside of the heap."
            ),
            Step("Only then raise `spark.executor.memory`."),
        ),
        prevention="Bound what a task holds: no Python function over whole groups, no broadcast of a table that grows.",
    ),
    Cause(
        "slow-dbt-model",
        "A dbt model takes much longer than it did",
        symptoms=("The run of the warehouse takes longer from day to day.",),
        looked_for=("`run_results.json` of the dbt runs on this machine", "logs of dbt"),
        proof="A model took at least 10 s longer, and three times as long, as the median of its runs before; or 10 "
        "minutes or more where nothing is known of before. A slow model that was always slow is none.",
        remedy=(
            Step("See what its SQL costs, and what would be cheaper.", "dataeng analyze --query FILE --engine duckdb"),
            Step("Let it build days instead of everything: an incremental model by microbatch."),
            Step("See whether what it reads lies in many small files.", "dataeng doctor ASSET"),
        ),
        prevention="Incremental models for facts, filters on the partition column, no `select distinct` over "
        "everything.",
        pages=(("how-to/sql-model.md", "A model in SQL"),),
    ),
)
