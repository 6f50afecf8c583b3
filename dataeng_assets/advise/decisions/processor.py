"""Which processor computes: this platform, the warehouse itself, Spark, Flink, Kafka Streams, ksqlDB or Beam."""

from dataeng_assets.advise.questions import YES
from dataeng_assets.advise.rule import AtMost, Bar, Decision, MoreThan, Option, Reason, is_
from dataeng_assets.advise.units import GB, MINUTE, SECOND, TB

CLOUD_WAREHOUSES = ("snowflake", "bigquery", "redshift", "databricks")
SPARK = "https://spark.apache.org/docs/latest/streaming/index.html"
FLINK = "https://nightlies.apache.org/flink/flink-docs-stable/docs/concepts/overview/"
STREAMS = "https://kafka.apache.org/documentation/streams/"
KSQLDB = "https://docs.confluent.io/platform/current/ksqldb/overview.html"
BEAM = "https://beam.apache.org/documentation/runners/capability-matrix/"
DYNAMIC_TABLES = "https://docs.snowflake.com/en/user-guide/dynamic-tables-target-lag"

_ONLY_STREAMS = Bar("It is for streams, and this is batch.", (is_("processing", "batch"),))
_ONLY_KAFKA = Bar("It reads topics of Kafka only.", (is_("source", "postgres", "kinesis", "pubsub", "files"),))

PLATFORM = Option(
    "platform",
    "This platform (Dagster)",
    reasons=(
        Reason(2, "Progress and rows are one commit, so nothing is lost or doubled.", (is_("exactly-once", YES),)),
        Reason(2, "One host is enough for this volume.", (AtMost("volume", 100 * GB),)),
        Reason(2, "Dagster is known already.", (is_("existing", "dagster"),)),
        Reason(1, "Contracts, SQL and Python are all that is written.", (is_("team", "sql", "python"),)),
        Reason(1, "Nothing else must be run beside it.", (is_("operations", "batch-only", "office-hours"),)),
        Reason(1, "It reads tables in one snapshot and finds late commits.", (is_("source", "postgres"),)),
        Reason(1, "It needs no cloud.", (is_("cloud", "none"),)),
    ),
    bars=(
        Bar("A commit to a table takes about a second.", (AtMost("latency", 1 * SECOND),)),
        Bar("Its models run on one host.", (MoreThan("volume", TB),)),
        Bar("It reads a database in batches.", (is_("source", "postgres"), is_("processing", "streaming"))),
        Bar("It reads Postgres and Kafka.", (is_("source", "kinesis", "pubsub", "files"),)),
        Bar("It writes Delta and DuckDB.", (is_("target", *CLOUD_WAREHOUSES, "postgres", "iceberg", "kafka"),)),
    ),
)
WAREHOUSE_NATIVE = Option(
    "warehouse-native",
    "The warehouse itself",
    reasons=(
        Reason(3, "Everything is SQL where the data lies already.", (is_("team", "sql"),)),
        Reason(2, "You run one already.", (is_("existing", "warehouse"),)),
        Reason(
            1, "A lag of a minute and more is what its tables keep.", (MoreThan("latency", 1 * MINUTE),), DYNAMIC_TABLES
        ),
        Reason(1, "The vendor looks after it at night.", (is_("operations", "batch-only", "office-hours"),)),
    ),
    bars=(
        Bar(
            "Raw rows come within seconds, but what is computed from them is a minute behind at best.",
            (AtMost("latency", 1 * MINUTE),),
            DYNAMIC_TABLES,
        ),
        Bar(
            "The destination is no warehouse that ingests by itself.",
            (is_("target", "delta", "iceberg", "kafka", "duckdb", "postgres"),),
        ),
    ),
)
SPARK_OPTION = Option(
    "spark",
    "Spark",
    reasons=(
        Reason(3, "Spark is known already.", (is_("existing", "spark"),)),
        Reason(2, "It shares large volumes among many machines.", (MoreThan("volume", TB),), SPARK),
        Reason(1, "Batch and stream are one program in Python, SQL or Scala.", (), SPARK),
        Reason(1, "Micro-batches are quick enough.", (MoreThan("latency", 10 * SECOND),), SPARK),
        Reason(1, "It writes table formats itself.", (is_("target", "delta", "iceberg", "databricks"),)),
        Reason(
            -2,
            "A micro-batch takes longer than that, with state and a table to commit to.",
            (AtMost("latency", 1 * SECOND),),
            SPARK,
        ),
        Reason(-1, "A cluster is more than this volume needs.", (AtMost("volume", 100 * GB),)),
    ),
)
FLINK_OPTION = Option(
    "flink",
    "Flink",
    reasons=(
        Reason(3, "It computes record by record, within milliseconds.", (AtMost("latency", 1 * SECOND),), FLINK),
        Reason(1, "It needs no batches to be complete.", (AtMost("latency", 10 * SECOND),), FLINK),
        Reason(2, "Its state may be far larger than memory.", (MoreThan("state", 10 * GB),), FLINK),
        Reason(3, "Flink is known already.", (is_("existing", "flink"),)),
        Reason(1, "Its checkpoints reach into Kafka's transactions.", (is_("exactly-once", YES),), FLINK),
        Reason(1, "The team writes for the JVM.", (is_("team", "jvm"),)),
        Reason(1, "It shares large volumes among many machines.", (MoreThan("volume", TB),), FLINK),
        Reason(-2, "A cluster with state needs somebody on call.", (is_("operations", "office-hours"),)),
    ),
    bars=(_ONLY_STREAMS,),
)
KAFKA_STREAMS = Option(
    "kafka-streams",
    "Kafka Streams",
    reasons=(
        Reason(3, "It is a library in a program of the team's own: no cluster.", (is_("team", "jvm"),), STREAMS),
        Reason(2, "Topics in, topics out is what it is made for.", (is_("target", "kafka"),), STREAMS),
        Reason(2, "It is known already.", (is_("existing", "kafka"),)),
        Reason(1, "It computes record by record.", (AtMost("latency", 1 * SECOND),), STREAMS),
        Reason(-4, "It is written in Java or Scala.", (is_("team", "sql", "python"),), STREAMS),
        Reason(
            -2,
            "Its results are topics; a connector must carry them on.",
            (is_("target", "duckdb", "delta", "iceberg", "postgres", *CLOUD_WAREHOUSES),),
        ),
        Reason(-1, "State is rebuilt from topics, which takes long.", (MoreThan("state", 100 * GB),), STREAMS),
    ),
    bars=(_ONLY_STREAMS, _ONLY_KAFKA),
)
KSQLDB_OPTION = Option(
    "ksqldb",
    "ksqlDB",
    reasons=(
        Reason(2, "A stream is a statement in SQL.", (is_("team", "sql"),), KSQLDB),
        Reason(2, "Topics in, topics out is what it is made for.", (is_("target", "kafka"),), KSQLDB),
        Reason(2, "It is known already.", (is_("existing", "kafka"),)),
        Reason(1, "It computes record by record.", (AtMost("latency", 1 * SECOND),), KSQLDB),
        Reason(
            -2,
            "Its results are topics; a connector must carry them on.",
            (is_("target", "duckdb", "delta", "iceberg", "postgres", *CLOUD_WAREHOUSES),),
        ),
        Reason(-1, "State is rebuilt from topics, which takes long.", (MoreThan("state", 100 * GB),)),
        Reason(-1, "It is a server of its own beside Kafka."),
    ),
    bars=(_ONLY_STREAMS, _ONLY_KAFKA),
)
BEAM_OPTION = Option(
    "beam",
    "Beam",
    reasons=(
        Reason(4, "Beam or Dataflow is known already.", (is_("existing", "beam"),)),
        Reason(2, "Dataflow runs it, and scales it by itself.", (is_("cloud", "gcp"),)),
        Reason(2, "It reads Pub/Sub as Dataflow's own source.", (is_("source", "pubsub"),)),
        Reason(1, "Batch and stream are one program.", (), BEAM),
        Reason(-2, "It needs a runner, and what works hangs on which.", (is_("cloud", "none", "aws", "azure"),), BEAM),
        Reason(-1, "There is SQL, but programs are written in Java, Python or Go.", (is_("team", "sql"),)),
    ),
)

PROCESSOR = Decision(
    "processor",
    "Which processor",
    (PLATFORM, WAREHOUSE_NATIVE, SPARK_OPTION, FLINK_OPTION, KSQLDB_OPTION, KAFKA_STREAMS, BEAM_OPTION),
)
