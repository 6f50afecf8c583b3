"""What is promised of the results: windows, delivery, state, history, compatibility."""

from dataeng_assets.advise.questions import NO, YES
from dataeng_assets.advise.rule import AtMost, Bar, Decision, MoreThan, Option, Reason, is_
from dataeng_assets.advise.units import DAY, GB, SECOND, TB

DATAFLOW = "https://www.vldb.org/pvldb/vol8/p1792-Akidau.pdf"
BACKENDS = "https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/state/state_backends/"
FORST = "https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/state/disaggregated_state/"
DELIVERY_PAGE = "https://kafka.apache.org/documentation/#semantics"
KIMBALL = (
    "https://www.kimballgroup.com/data-warehouse-business-intelligence-resources/kimball-techniques/"
    "dimensional-modeling-techniques/"
)
EVOLUTION = "https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html"


def _asked(question: str, word: str, because: str, source: str) -> tuple[Reason, ...]:
    return (Reason(5, because, (is_(question, word),), source),)


WINDOW = Decision(
    "window",
    "Window and watermark",
    (
        Option(
            "tumbling", "Tumbling windows", _asked("shape", "periods", "Each event counts in one period.", DATAFLOW)
        ),
        Option(
            "sliding",
            "Sliding windows",
            _asked("shape", "moving", "Figures over the last minutes need windows that overlap.", DATAFLOW),
        ),
        Option(
            "session", "Session windows", _asked("shape", "visits", "A visit ends when nothing more comes.", DATAFLOW)
        ),
        Option("none", "No window", _asked("shape", "single", "Each event is judged by itself.", DATAFLOW)),
    ),
)

DELIVERY = Decision(
    "delivery",
    "Delivery guarantee",
    (
        Option(
            "by-key",
            "At least once, written by key: each counts once",
            reasons=(
                Reason(2, "What is written twice replaces itself, so a retry needs no care."),
                Reason(2, "A run that is repeated replaces its own rows.", (is_("processing", "batch"),)),
                Reason(1, "It needs no transaction that spans two systems."),
                Reason(-3, "A topic takes what is written twice as two records.", (is_("target", "kafka"),)),
            ),
        ),
        Option(
            "exactly-once",
            "Exactly once",
            reasons=(
                Reason(
                    4,
                    "Each record must count once, whether or not it has a key.",
                    (is_("exactly-once", YES),),
                    DELIVERY_PAGE,
                ),
                Reason(
                    3,
                    "Here it costs nothing: rows and progress are one commit.",
                    (is_("processor", "platform"), is_("processing", "streaming")),
                ),
                Reason(
                    2,
                    "Kafka's transactions carry it from topic to topic.",
                    (is_("target", "kafka"), is_("exactly-once", YES)),
                    DELIVERY_PAGE,
                ),
                Reason(
                    -1,
                    "A transaction shows its records when it ends, so results wait for it.",
                    (AtMost("latency", 1 * SECOND),),
                    DELIVERY_PAGE,
                ),
            ),
        ),
        Option(
            "at-least-once",
            "At least once",
            reasons=(
                Reason(1, "It is what every connector can do."),
                Reason(
                    3,
                    "Some records doubled or lost are no harm, so nothing need be written by key.",
                    (is_("loss-tolerated", YES),),
                ),
            ),
            bars=(Bar("A record that counts twice is wrong.", (is_("exactly-once", YES),)),),
        ),
        Option(
            "at-most-once",
            "At most once",
            reasons=(
                Reason(
                    5,
                    "Nothing waits for an answer, and a lost record is no harm.",
                    (is_("loss-tolerated", YES), AtMost("latency", 1 * SECOND)),
                    DELIVERY_PAGE,
                ),
            ),
            bars=(
                Bar("Nothing may be lost.", (is_("loss-tolerated", NO),)),
                Bar("A record that is lost does not count once.", (is_("exactly-once", YES),)),
            ),
        ),
    ),
)

_NOT_A_PROCESSOR_WITH_CHECKPOINTS = Bar(
    "The processor keeps its state in another way.",
    (is_("processor", "platform", "warehouse-native", "kafka-streams", "ksqldb"),),
)
_NOT_BATCH = Bar("A batch remembers nothing between its runs.", (is_("processing", "batch"),))

STATE = Decision(
    "state-backend",
    "State backend and checkpoints",
    (
        Option(
            "tables",
            "None: the tables are the state",
            reasons=(Reason(5, "What must be remembered is read from the tables that were committed."),),
            bars=(
                Bar(
                    "The processor keeps state of its own.",
                    (
                        is_("processor", "spark", "flink", "beam", "kafka-streams", "ksqldb"),
                        is_("processing", "streaming"),
                    ),
                ),
            ),
        ),
        Option(
            "memory",
            "In memory",
            reasons=(
                Reason(2, "It fits into memory, and nothing is quicker.", (AtMost("state", 1 * GB),), BACKENDS),
                Reason(1, "Each access counts at this latency.", (AtMost("latency", 1 * SECOND),), BACKENDS),
            ),
            bars=(
                _NOT_BATCH,
                _NOT_A_PROCESSOR_WITH_CHECKPOINTS,
                Bar("It would fill the memory of the machines.", (MoreThan("state", 10 * GB),), BACKENDS),
            ),
        ),
        Option(
            "rocksdb",
            "RocksDB on local disks",
            reasons=(
                Reason(1, "It grows beyond memory without a change."),
                Reason(2, "It does not fit into memory with room to spare.", (MoreThan("state", 1 * GB),), BACKENDS),
                Reason(
                    1, "Checkpoints write what has changed, not everything.", (MoreThan("state", 10 * GB),), BACKENDS
                ),
            ),
            bars=(_NOT_BATCH, Bar("The tables are the state.", (is_("processor", "platform", "warehouse-native"),))),
        ),
        Option(
            "remote",
            "Remote: ForSt on object storage",
            reasons=(
                Reason(
                    6,
                    "So much state takes hours to load onto new disks; here it stays where it is.",
                    (MoreThan("state", 1 * TB),),
                    FORST,
                ),
                Reason(-1, "It is young, and not everything has been written for it.", (), FORST),
            ),
            bars=(
                _NOT_BATCH,
                Bar(
                    "Only Flink has it.",
                    (is_("processor", "platform", "warehouse-native", "spark", "beam", "kafka-streams", "ksqldb"),),
                ),
            ),
        ),
    ),
)

HISTORY = Decision(
    "history-type",
    "History of rows",
    (
        Option(
            "type-1",
            "Type 1: the newest value",
            _asked("history", "current", "Only the present is asked for.", KIMBALL),
        ),
        Option(
            "type-0",
            "Type 0: the first value",
            _asked("history", "first", "What was at first must never change.", KIMBALL),
        ),
        Option(
            "type-2",
            "Type 2: a row for each version",
            _asked("history", "as-it-was", "A fact finds the version that was valid when it happened.", KIMBALL),
        ),
        Option(
            "type-3",
            "Type 3: the previous value beside the newest",
            _asked("history", "previous", "One step back is enough.", KIMBALL),
        ),
        Option(
            "type-6",
            "Type 6: versions, with the newest value on each",
            _asked("history", "both", "The past is asked for as it was and as it is called today.", KIMBALL),
        ),
    ),
)


def _mode(name: str, upgrades: str, because: str) -> tuple[Option, Option]:
    """A mode and its transitive form, which is taken where old records are read again."""
    asked = Reason(5, because, (is_("upgrades", upgrades),), EVOLUTION)
    every = Reason(1, "Records of all earlier versions are read again.", (MoreThan("reprocess", 30 * DAY),), EVOLUTION)
    last = Reason(1, "Records of the version before the last are hardly met.", (AtMost("reprocess", 30 * DAY),))
    return (
        Option(name, name.upper(), (asked, last)),
        Option(f"{name}-transitive", f"{name.upper()}_TRANSITIVE", (asked, every)),
    )


COMPATIBILITY = Decision(
    "compatibility",
    "Compatibility mode",
    (
        *_mode("backward", "consumers", "Readers move first, and must still read what is stored."),
        *_mode("forward", "producers", "Writers move first, and old readers must still understand them."),
        *_mode("full", "any", "Nobody knows who moves first, so both must work."),
    ),
)
