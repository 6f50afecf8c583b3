"""Causes that streams and their processors have."""

from dataeng_assets.causes.cause import Cause, Step

STREAMS = (
    Cause(
        "consumer-lag-grows",
        "A consumer falls further and further behind",
        symptoms=("Tables of a stream are older than promised.", "The lag of a topic grows from hour to hour."),
        looked_for=(
            "the lag of each stream, by offsets and by how long the oldest record waits",
            "its samples: whether the lag grew from one to the next",
            "logs of Kafka consumers that were put out of their group because they polled too late",
        ),
        proof="The oldest record waits for longer than the contract's limit, and the lag did not fall over the last "
        "three samples; or a consumer's own words. A stream that is behind and catches up is none.",
        remedy=(
            Step("See how far each partition is behind.", "dataeng topics describe TOPIC"),
            Step("Drain all the time, instead of when the sensor asks.", "dataeng stream run STREAM"),
            Step("If one worker is not enough, start a second one: they share the partitions."),
        ),
        prevention="Give the stream more partitions than workers, and let its contract say how late it may be.",
        pages=(
            ("how-to/low-latency.md", "Fresh within a second"),
            ("explanation/stream-monitoring.md", "Is the stream well?"),
        ),
    ),
    Cause(
        "failing-checkpoint",
        "A checkpoint fails, or is not written",
        symptoms=(
            "A Flink job restarts again and again and does not move on.",
            "Opening a Delta table takes longer from day to day.",
        ),
        looked_for=(
            "the Delta log of each table: commits since its last checkpoint",
            "logs of Flink and Spark: checkpoints that expired, were declined or cannot be read",
        ),
        proof="More than 200 commits since the last checkpoint of a table, of which each reader opens every one; or a "
        "processor's own words, with the checkpoint's number. One declined checkpoint followed by a good one is none.",
        remedy=(
            Step("Write the checkpoint of a Delta table.", "dataeng doctor --fix"),
            Step(
                "Flink: see which operator is slow to answer in the web UI, *Checkpoints*; under backpressure turn "
                "on unaligned checkpoints (`execution.checkpointing.unaligned.enabled: true`)."
            ),
            Step(
                "Flink: let a checkpoint take longer (`execution.checkpointing.timeout`), and begin the next later "
                "(`execution.checkpointing.min-pause`)."
            ),
            Step(
                "Keep large state in RocksDB with incremental checkpoints (`execution.checkpointing.incremental: "
                "true`)."
            ),
        ),
        prevention="Let `nightly_lake_upkeep` run; give state a time to live, so that checkpoints stay small.",
        fix="writes the checkpoint of the Delta table",
        pages=(("explanation/stream-state.md", "State: what a stream must not forget"),),
    ),
    Cause(
        "backpressure",
        "A slow step holds up those before it",
        symptoms=("Throughput falls while the machine is idle.", "Batches begin late."),
        looked_for=(
            "the samples of each stream: time in which records waited for a commit",
            "logs of Spark: batches that take longer than their trigger interval",
        ),
        proof="The share of blocked time was beyond the contract's limit in three samples in a row; or the processor's "
        "own words. A single slow batch is none.",
        remedy=(
            Step("Look at what commits cost: many small files and a slow store show here first.", "dataeng doctor"),
            Step("Commit less often: raise `resident_interval_seconds`, or the trigger interval of the job."),
            Step("Let a second worker take half of the partitions.", "dataeng stream run STREAM"),
        ),
        prevention="Choose the interval of commits so that one takes less than half of it.",
        pages=(("explanation/stream-speed.md", "How fast is a stream, and where does its time go?"),),
    ),
    Cause(
        "partition-skew",
        "One partition has most of the work",
        symptoms=("One task or partition is far behind while the others are done.",),
        looked_for=(
            "the samples of each stream: lag of the slowest partition against the median",
            "logs of Spark: how long the tasks of a stage took",
        ),
        proof="Lag of the slowest partition beyond the contract's limit in three samples in a row, from 1,000 records "
        "on; or a stage of at least 8 tasks whose slowest took 10 s or more and over five times the median.",
        remedy=(
            Step("See which partition it is.", "dataeng topics describe TOPIC"),
            Step("Look at the keys at the producer: a key that most records have leads them all to one partition."),
            Step("Spark: let it split large partitions (`spark.sql.adaptive.skewJoin.enabled=true`), or salt the key."),
        ),
        prevention="Choose keys with many values of similar weight; send records without a key where order does not "
        "matter.",
        pages=(("explanation/kafka.md", "Kafka, as far as a table of events needs it"),),
    ),
    Cause(
        "offsets-past-retention",
        "Records expired before they were read",
        symptoms=("A stream stops with `OffsetsLost`.", "A consumer says that its offset is out of range."),
        looked_for=(
            "the next offset of each stream against the first that the broker retains",
            "logs of Kafka consumers, of Spark and of the platform",
        ),
        proof="The next offset to read lies before the first one retained: partition and number of offsets are named. "
        "A stream that has read everything is none, however old its records are.",
        remedy=(
            Step("See what is lost; this writes nothing.", "dataeng stream accept-gap STREAM --dry-run"),
            Step("If another copy of the records exists, point the stream at it before anything is accepted."),
            Step("Accept what is lost for good, with the reason.", "dataeng stream accept-gap STREAM --reason REASON"),
        ),
        prevention="Keep records for longer than the longest outage that you expect (`retention` in the contract, "
        "`dataeng topics apply`), and be told of lag.",
        pages=(("how-to/stream-stopped.md", "A stream has stopped"),),
    ),
    Cause(
        "stream-stopped",
        "A stream waits for a person",
        symptoms=("A stream ends without a retry, with an error that names what it would have to skip or double.",),
        looked_for=("what each stream says when it is compared with its topic", "logs of the platform"),
        proof="One of the platform's own errors that no retry mends. A broker that does not answer is none: it is said "
        "to be out of reach.",
        remedy=(
            Step("See what would be accepted; this writes nothing.", "dataeng stream accept-gap STREAM --dry-run"),
            Step("Do what the error says; the guide has a line for each."),
        ),
        prevention="Do not delete or truncate topics that a stream reads; make a new one.",
        pages=(("how-to/stream-stopped.md", "A stream has stopped"),),
    ),
)
