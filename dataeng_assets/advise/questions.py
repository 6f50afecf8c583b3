"""What is asked: the questions, their answers in words, and reading answers.

What follows from answers belongs in `decisions`; what cannot be true together, in `contradictions`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from dataeng_assets.advise.units import UnitUnknown, bytes_per_day, rate_text, seconds, size_bytes, size_text, time_text

Value = float | str
Answers = Mapping[str, Value]
"""By the question's name: a quantity in seconds, bytes or bytes per day, else the word of a choice."""

YES, NO = "yes", "no"


class AnswerUnknown(Exception):
    """An answer or a question is not known; says which are."""


@dataclass(frozen=True)
class Quantity:
    """A number with a unit."""

    parse: Callable[[str], float]
    text: Callable[[float], str]


TIME = Quantity(seconds, time_text)
SIZE = Quantity(size_bytes, size_text)
RATE = Quantity(bytes_per_day, rate_text)


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        name: of its option on the command line and its line in an answers file, without dashes.
        asks: the question itself.
        answer: a quantity, or the choices with what each means, from the least to the most where they have an order.
        default: what is taken where nobody answers.
    """

    name: str
    asks: str
    answer: Quantity | Mapping[str, str]
    default: str

    def read(self, text: object) -> Value:
        """The value that a text stands for.

        Raises:
            AnswerUnknown: it stands for none.
        """
        if isinstance(text, list | dict):
            raise AnswerUnknown(f"{self.name}: one value is asked for, not a list or a mapping. {self.forms}".strip())
        said = YES if text is True else NO if text is False else str(text).strip()
        if isinstance(self.answer, Quantity):
            try:
                return self.answer.parse(said)
            except UnitUnknown as error:
                raise AnswerUnknown(f"{self.name}: {error}") from None
        said = said.lower()
        if said not in self.answer:
            raise AnswerUnknown(f"{self.name}: {said!r} is unknown.{nearest(said, self.answer)} {self.forms}")
        return said

    def text(self, value: Value) -> str:
        """A value as it is written."""
        return self.answer.text(float(value)) if isinstance(self.answer, Quantity) else str(value)

    def word(self, value: Value) -> str:
        """A value as one word, for a command line."""
        return self.text(value).replace(" ", "")

    @property
    def forms(self) -> str:
        """Which answers are known."""
        return f"Known: {', '.join(self.answer)}." if isinstance(self.answer, Mapping) else ""


_YES_NO = {NO: "no", YES: "yes"}

QUESTIONS: tuple[Question, ...] = (
    Question("latency", "How old may a result be when somebody reads it?", TIME, "1h"),
    Question("volume", "How much data comes in?", RATE, "10GB/day"),
    Question(
        "source",
        "Where does it come from?",
        {
            "postgres": "a Postgres database",
            "kafka": "topics of Kafka",
            "kinesis": "streams of AWS Kinesis",
            "pubsub": "topics of Google Pub/Sub",
            "files": "files in a folder or an object store",
        },
        "postgres",
    ),
    Question(
        "destination",
        "Where must it go?",
        {
            "undecided": "that is for the advice to say",
            "duckdb": "DuckDB",
            "delta": "Delta Lake",
            "iceberg": "Apache Iceberg",
            "postgres": "Postgres",
            "snowflake": "Snowflake",
            "bigquery": "BigQuery",
            "redshift": "Redshift",
            "databricks": "Databricks",
            "kafka": "topics of Kafka, for other programs",
        },
        "undecided",
    ),
    Question(
        "cloud",
        "Which cloud may be used?",
        {"none": "machines of one's own", "aws": "Amazon", "gcp": "Google", "azure": "Microsoft"},
        "none",
    ),
    Question(
        "team",
        "What does the team write best?",
        {"sql": "SQL", "python": "Python", "jvm": "Java, Kotlin or Scala"},
        "sql",
    ),
    Question(
        "operations",
        "Who looks after what runs?",
        {
            "batch-only": "nobody; there are jobs on a schedule, and nothing runs between them",
            "office-hours": "the team, in office hours",
            "around-the-clock": "somebody is on call",
        },
        "office-hours",
    ),
    Question(
        "existing",
        "What do you run and know already?",
        {
            "none": "none of these",
            "dagster": "Dagster",
            "warehouse": "a cloud warehouse",
            "spark": "Spark or Databricks",
            "flink": "Flink",
            "kafka": "Kafka Streams, ksqlDB or Kafka Connect",
            "beam": "Beam or Dataflow",
        },
        "none",
    ),
    Question("exactly-once", "Must each record count exactly once?", _YES_NO, NO),
    Question("loss-tolerated", "May single records be lost?", _YES_NO, NO),
    Question(
        "shape",
        "What is asked of the events?",
        {
            "periods": "figures per hour, day or month",
            "moving": "figures over the last so many minutes, again and again",
            "visits": "what belongs together, with pauses between, such as visits",
            "single": "each event or row by itself",
        },
        "periods",
    ),
    Question("lateness", "How late may an event come and still count?", TIME, "10min"),
    Question("state", "How much must be remembered between events (keys times what is kept for each)?", SIZE, "1GB"),
    Question("recovery", "How long may it stand still after a crash?", TIME, "5min"),
    Question("reprocess", "How far back must results be computable again?", TIME, "90d"),
    Question("log-kept", "How long does the source keep its records or rows?", TIME, "7d"),
    Question(
        "readers",
        "Who reads the results?",
        {"bi": "people with SQL and dashboards", "science": "programs that read files, such as models", "both": "both"},
        "bi",
    ),
    Question(
        "history",
        "What is asked about the past of a row?",
        {
            "current": "nothing: how it is now",
            "first": "how it was at first",
            "previous": "how it was before the last change",
            "as-it-was": "how it was at any time",
            "both": "how it was at any time, and how it is now beside it",
        },
        "as-it-was",
    ),
    Question(
        "upgrades",
        "When a schema changes, who moves first?",
        {"consumers": "those who read", "producers": "those who write", "any": "nobody knows"},
        "consumers",
    ),
)
BY_NAME = {question.name: question for question in QUESTIONS}


USUAL: Answers = {question.name: question.read(question.default) for question in QUESTIONS}
"""What is taken where nobody answers."""


def read_answers(given: Mapping[str, object]) -> dict[str, Value]:
    """The answers that were given.

    Args:
        given: by the questions' names, with dashes or underscores; None where nothing was said.

    Raises:
        AnswerUnknown: a question or an answer is not known.
    """
    said = {name.replace("_", "-"): value for name, value in given.items() if value is not None}
    for name in said:
        if name not in BY_NAME:
            known = ", ".join(BY_NAME)
            raise AnswerUnknown(f"{name!r} is not asked.{nearest(name, BY_NAME)} Questions: {known}.")
    return {name: BY_NAME[name].read(value) for name, value in said.items()}


def nearest(said: str, known: Mapping[str, object]) -> str:
    """` Did you mean …?` where something like it is known, else nothing."""
    found = get_close_matches(said, known, n=1)
    return f" Did you mean {found[0]!r}?" if found else ""
