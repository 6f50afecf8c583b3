"""The large shape: batch or streaming, warehouse or lakehouse, Lambda or Kappa."""

from dataeng_assets.advise.questions import NO, YES
from dataeng_assets.advise.rule import AtMost, Bar, Decision, MoreThan, Option, Reason, is_
from dataeng_assets.advise.units import GB, HOUR, MINUTE, TB, YEAR

KAPPA = "https://www.oreilly.com/radar/questioning-the-lambda-architecture/"
LAKEHOUSE = "https://www.cidrdb.org/cidr2021/papers/cidr2021_paper17.pdf"

PROCESSING = Decision(
    "processing",
    "Batch or streaming",
    (
        Option(
            "batch",
            "Batch",
            reasons=(
                Reason(2, "A run that can be repeated is the simplest way to recover from every failure."),
                Reason(2, "A job on a schedule is fresh enough.", (MoreThan("latency", 15 * MINUTE),)),
                Reason(2, "A few runs a day are enough.", (MoreThan("latency", 2 * HOUR),)),
                Reason(1, "A day's data is read in one go without effort.", (AtMost("volume", 100 * GB),)),
                Reason(1, "A table is asked, it does not send.", (is_("source", "postgres", "files"),)),
            ),
            bars=(
                Bar(
                    "To start a job takes seconds, and a run each minute overtakes itself.",
                    (AtMost("latency", 1 * MINUTE),),
                ),
            ),
        ),
        Option(
            "streaming",
            "Streaming",
            reasons=(
                Reason(3, "Runs on a schedule would follow each other so closely.", (AtMost("latency", 15 * MINUTE),)),
                Reason(3, "Only what runs all the time answers so soon.", (AtMost("latency", 5 * MINUTE),)),
                Reason(1, "The source sends its events one by one.", (is_("source", "kafka", "kinesis", "pubsub"),)),
                Reason(
                    1,
                    "What is a visit or an alert must be told while it lasts.",
                    (is_("shape", "single", "visits"), AtMost("latency", 1 * HOUR)),
                ),
                Reason(1, "You run a stream processor already.", (is_("existing", "flink", "kafka", "beam"),)),
                Reason(
                    -2,
                    "A stream that stops at night stands until the morning.",
                    (is_("operations", "office-hours"), MoreThan("latency", 1 * HOUR)),
                ),
            ),
            bars=(Bar("Nobody looks after something that always runs.", (is_("operations", "batch-only"),)),),
        ),
    ),
)

STORAGE = Decision(
    "storage",
    "Warehouse or lakehouse",
    (
        Option(
            "warehouse",
            "Warehouse",
            reasons=(
                Reason(
                    2, "The readers ask in SQL, and a warehouse answers many of them at once.", (is_("readers", "bi"),)
                ),
                Reason(1, "The team writes SQL.", (is_("team", "sql"),)),
                Reason(1, "The volume is small enough that storing it twice costs little.", (AtMost("volume", TB),)),
                Reason(2, "You run a warehouse already.", (is_("existing", "warehouse"),)),
                Reason(1, "There is a managed one in your cloud.", (is_("cloud", "aws", "gcp", "azure"),)),
            ),
            bars=(
                Bar(
                    "The destination is a table format or its platform.",
                    (is_("destination", "delta", "iceberg", "databricks"),),
                ),
            ),
        ),
        Option(
            "lakehouse",
            "Lakehouse",
            reasons=(
                Reason(
                    2,
                    "Programs read files without going through a warehouse.",
                    (is_("readers", "science", "both"),),
                    LAKEHOUSE,
                ),
                Reason(
                    2, "At this volume object storage is far cheaper than a warehouse's.", (MoreThan("volume", TB),)
                ),
                Reason(
                    1,
                    "Open files can be read by any engine on machines of your own.",
                    (is_("cloud", "none"),),
                    LAKEHOUSE,
                ),
                Reason(1, "Raw records are kept for long, and rarely read.", (MoreThan("reprocess", YEAR),)),
                Reason(
                    1,
                    "Events can be kept as they came, and computed anew.",
                    (is_("source", "kafka", "kinesis", "pubsub"),),
                ),
                Reason(2, "What you run writes table formats.", (is_("existing", "spark", "dagster", "flink"),)),
                Reason(1, "The team works with files and frames.", (is_("team", "python", "jvm"),)),
            ),
            bars=(
                Bar(
                    "The destination is a warehouse.",
                    (is_("destination", "duckdb", "postgres", "snowflake", "bigquery", "redshift"),),
                ),
            ),
        ),
    ),
)

ARCHITECTURE = Decision(
    "architecture",
    "Lambda or Kappa",
    (
        Option(
            "batch-only",
            "Neither: one batch path",
            reasons=(Reason(3, "Nothing streams, so there is one path, and a rerun of it is the correction."),),
            bars=(Bar("There is a stream.", (is_("processing", "streaming"),)),),
        ),
        Option(
            "kappa",
            "Kappa",
            reasons=(
                Reason(3, "One program for new records and for old ones: two would drift apart.", source=KAPPA),
                Reason(2, "The log holds everything that must be computable again.", (is_("log-covers", YES),), KAPPA),
                Reason(
                    2, "Raw events in the lake are the log that must be read again.", (is_("storage", "lakehouse"),)
                ),
                Reason(
                    -2,
                    "To read years of such a volume through the stream takes days.",
                    (MoreThan("volume", TB), MoreThan("reprocess", YEAR)),
                ),
            ),
            bars=(Bar("There is no stream.", (is_("processing", "batch"),)),),
        ),
        Option(
            "lambda",
            "Lambda",
            reasons=(
                Reason(
                    5,
                    "The log ends before what must be computable again, and the warehouse computes that in batch.",
                    (is_("log-covers", NO), is_("storage", "warehouse")),
                ),
                Reason(
                    3,
                    "Long pasts of large volumes are computed anew faster in batch.",
                    (MoreThan("volume", TB), MoreThan("reprocess", YEAR)),
                ),
                Reason(1, "Batch jobs over the same data run already.", (is_("existing", "spark", "warehouse"),)),
                Reason(-2, "Two programs must give the same figures for ever.", source=KAPPA),
                Reason(
                    -1,
                    "What counted exactly once in one path is counted again where the paths meet.",
                    (is_("exactly-once", YES),),
                ),
                Reason(1, "What is older than the log can only be computed in batch.", (is_("log-covers", NO),)),
            ),
            bars=(Bar("There is no stream.", (is_("processing", "batch"),)),),
        ),
    ),
)
