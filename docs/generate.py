"""Writes the pages of `docs/reference/` that the code already knows: `python docs/generate.py`.

Nothing is said here that is said elsewhere: texts come from help texts, fields and docstrings. Only the columns that
the platform adds are described here. A test compares the committed pages with what comes out.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import pyarrow as pa
import typer
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from dataeng_assets.cli import app
from dataeng_assets.components import IntervalJoinComponent, KafkaTopicComponent, PostgresTablesComponent
from dataeng_assets.contracts.checks.as_mapping import kind_name
from dataeng_assets.contracts.checks.kinds import Metric
from dataeng_assets.contracts.checks.names import KINDS, METRICS, UNSAID, Names
from dataeng_assets.contracts.checks.rule import NONE, Rule, Severity
from dataeng_assets.contracts.checks.words import in_words
from dataeng_assets.contracts.dbt_export import dbt_sources
from dataeng_assets.contracts.load import load_contract
from dataeng_assets.contracts.types import (
    ColumnType,
    event_type,
    event_type_names,
    postgres_type,
    postgres_type_names,
    refused_types,
)
from dataeng_assets.extract.quarantine import OWN_COLUMNS as QUARANTINE_COLUMNS
from dataeng_assets.extract.versions import OWN_COLUMNS
from dataeng_assets.lake.location import Lake
from dataeng_assets.settings import ROOT, Settings
from dataeng_assets.streams.stream import DEAD_LETTERS_SCHEMA, Stream
from dataeng_assets.streams.windows import WINDOWS_SCHEMA

FOLDER = Path(__file__).resolve().parent / "reference"
NOTE = "<!-- Generated from the code by `make docs`; change that instead. -->"
SAMPLE_COMMANDS = {"sample"}
BEGINS, ENDS = "<!-- sample: begins -->", "<!-- sample: ends -->"
"""Around what goes with the sample, for `dataeng sample remove`."""

OURS = {
    "_op": "`upsert`, `delete`, or `return`: the row came back after its delete. A delete has its key alone.",
    "_row_hash": "of the contract's columns; equal for equal rows",
    "_extracted_at": "when the run that read this version took its snapshot",
    "_run_id": "the Dagster run that wrote the row",
    "_released_by": "the replay that let the row out of what was set aside; empty for all other rows",
    "_broken": "the names of all rules that the row breaks",
    "_contract_version": "of the contract by which it was judged",
    "_rescued": "fields that the contract does not name, as JSON",
    "_kafka_partition": "partition of the topic",
    "_kafka_offset": "offset in the partition; with it, the record's identity",
    "_kafka_timestamp": "the record's own timestamp",
    "_kafka_generation": "empty, until its topic was made again or truncated and that accepted: how often",
    "_ingested_at": "when the micro-batch was committed",
    "event_date": "UTC day of the event time; the files lie by it",
    "key": "of the record, as it came",
    "value": "of the record, as it came",
    "headers": "of the record, as they came",
    "reason": "why it breaks the contract, in a word or two; `rule:<name>` for the first rule that it breaks",
    "detail": "where: the field, never its value; the names of all rules that it breaks",
    "window_start": "included",
    "window_end": "not included",
    "event_type": "the windows are by this field, which the contract must have",
    "records": "deliveries",
    "events": "each key of the contract once",
    "unique_users": "distinct `user_id`, which the contract must have",
    "window_date": "UTC day of the start",
}

METRIC_WORDS = {
    Metric.ROW_COUNT: "rows",
    Metric.COLUMN_COUNT: "columns",
    Metric.NULL_SHARE: "missing values per row, 0 to 1",
    Metric.DISTINCT_COUNT: "different values that are there",
    Metric.DISTINCT_SHARE: "different values per value that is there, 0 to 1",
    Metric.MINIMUM: "smallest value",
    Metric.MAXIMUM: "largest value",
    Metric.SUM: "sum of the values",
    Metric.MEAN: "their mean",
    Metric.MEDIAN: "their median",
    Metric.QUANTILE: "the value below which that share of them lies",
    Metric.STDEV: "standard deviation of the sample",
    Metric.HOURS_OLD: "hours from the largest date or time to now",
    Metric.LATENCY_HOURS: "most hours from one time of a row to a later one",
    Metric.KL_DIVERGENCE: "divergence of the values' shares from expected ones, in nats",
}


def pages() -> dict[Path, str]:
    """Every generated page."""
    made = {
        "commands": commands(),
        "settings": settings(),
        "declarations": declarations(),
        "types": types(),
        "rules": rules(),
        "columns": columns(),
    }
    return {FOLDER / f"{name}.md": f"{NOTE}\n\n{text.strip()}\n" for name, text in made.items()}


def commands() -> str:
    """Every command, as its help has it."""
    return f"""
# Commands

`dataeng` stands in `.venv/bin/`. Each command shows what stands here with `--help`; `dataeng --version` says which it
is.

{"".join(_group(typer.main.get_command(app), "dataeng"))}## Completion

`dataeng --install-completion` sets it up for your shell, `dataeng --show-completion` prints the script. Open a new
shell afterwards.
"""


def _group(group: Any, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        is_group = hasattr(command, "commands")
        text = "".join(_group(command, f"{path} {name}")) if is_group else _command(command, path)
        yield f"{BEGINS}\n\n{text}{ENDS}\n" if name in SAMPLE_COMMANDS else text


def _command(command: Any, path: str) -> str:
    said, _, lines = inspect.cleandoc(command.help).partition("Examples:")
    examples = "\n".join(line.strip() for line in lines.splitlines() if line.strip())
    rows = [(_parameter(one), _what(one)) for one in command.params]
    options = _table(("option", "what it is"), rows) + "\n\n" if rows else ""
    return f"## {path} {command.name}\n\n{said.strip()}\n\n```shell\n{examples}\n```\n\n{options}"


def _parameter(parameter: Any) -> str:
    return (
        f"`{', '.join(parameter.opts)}`"
        if parameter.param_type_name == "option"
        else f"`{(parameter.metavar or parameter.name).upper()}`"
    )


def _what(parameter: Any) -> str:
    default = "" if parameter.default in (None, "", False) else f" Default: `{parameter.default}`."
    return f"{parameter.help.rstrip('.')}.{' Required.' if parameter.required else default}"


def settings() -> str:
    """Every variable that the platform reads."""
    return f"""
# Settings

Environment variables. The process environment wins over `.env` in the root, and `.env` over `.dataeng/local.env`, where
`dataeng up` records the addresses of the local services. Copy `.env.example` to begin.

{_fields(Settings, lambda field: f"DATAENG_{field.upper()}")}

## Addresses

The variable that holds the address of a source is named in the source's `defs.yaml`, by `url_variable`,
`bootstrap_variable` or `registry_variable`. It is read when a run starts, so that a service may move between two runs.
`DATAENG_POSTGRES_URL`, `DATAENG_KAFKA_BOOTSTRAP` and `DATAENG_REGISTRY_URL` are those of the local services: set to an
address of yours, nothing local is started.

## Logging in to Kafka

`DATAENG_KAFKA_SECURITY` names a file with what may stand under `security` of a topic
([KafkaTopicComponent](declarations.md#kafkatopiccomponent)), and wins over that. `DATAENG_KAFKA_SECURITY_PRODUCER` and
`DATAENG_KAFKA_SECURITY_ADMIN` do the same for whoever sends records and for `dataeng topics`, where those are other
users. `dataeng up --secure` records all three for its broker. A topic may name a variable of its own in
`security_variable`.
Secrets stand in none of these files: [Kafka with TLS and passwords](../how-to/secure-kafka.md).

Kafka's login is a file, because it has up to a dozen settings, which a topic may also write in `defs.yaml`. A schema
registry's is a handful of variables beside its address, `DATAENG_REGISTRY_USERNAME` and `_PASSWORD` or `_PASSWORD_FILE`
among them: [schemas of records](../how-to/schema-registry.md).
"""


def declarations() -> str:
    """What may stand in a `defs.yaml`."""
    components = "\n".join(
        _component(one) for one in (PostgresTablesComponent, KafkaTopicComponent, IntervalJoinComponent)
    )
    return f"""
# defs.yaml

A source is a folder in `dataeng_assets/defs/`: a `defs.yaml`, and its contracts in `contracts/`. `dg list components`
shows what there is, `dg check yaml` checks what you wrote.

{components}"""


def _component(component: type[BaseModel]) -> str:
    nested: dict[type[BaseModel], list[str]] = {}
    for name, field in component.model_fields.items():
        which = "each of " if get_origin(field.annotation) is dict else ""
        for part in get_args(field.annotation) or (field.annotation,):
            if isinstance(part, type) and issubclass(part, BaseModel):
                nested.setdefault(part, []).append(f"{which}`{name}`")
    parts = [(component.__name__, component, "##")]
    parts += [(f"{component.__name__}, {' and '.join(names)}", part, "###") for part, names in nested.items()]
    return "\n".join(f"{level} {title}\n\n{inspect.getdoc(one)}\n\n{_fields(one)}\n" for title, one, level in parts)


def _fields(model: type[BaseModel], shown: Callable[[str], str] = str) -> str:
    rows = [
        (f"`{shown(name)}`", _default(field), field.description or "") for name, field in model.model_fields.items()
    ]
    return _table(("name", "default", "what it is"), rows)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    value = value.get_secret_value() if isinstance(value, SecretStr) else value
    value = value.relative_to(ROOT) if isinstance(value, Path) else value
    return "" if value in (None, "", {}) else f"`{value}`"


def types() -> str:
    """The type table."""
    carried = [_carried(name, postgres_type(name.replace("(p,s)", "(12,2)"))) for name in postgres_type_names()]
    carried += [_carried("an enum", postgres_type("enum", ("label",)))]
    carried += [_carried("an array, here bigint[]", postgres_type("bigint[]"))]
    fields = [_carried(name, event_type(name.replace("(p,s)", "(12,2)"))) for name in event_type_names()]
    refused = "\n".join(f"- `{name}`: {reason}." for name, reason in refused_types().items())
    return f"""
# Types

How a value travels. A type that is not here is refused by the column's name, before a file is written: cast it in a
view, and copy the view.

## Postgres

{_table(("Postgres", "Delta, as Arrow calls it", "DuckDB"), carried)}

A domain is carried as the type it is made from. Decimals keep precision and scale, up to 38 digits; their row shows
`numeric(12,2)`.

Refused:

{refused}

## Fields of events

{_table(("field", "Delta, as Arrow calls it", "DuckDB"), fields)}

Nothing is cast in silence: `"1"` is no `bigint`, and a time without an offset is no `timestamp`. Such a record goes to
the dead letters.
"""


def _carried(name: str, kind: ColumnType) -> tuple[str, str, str]:
    return name, f"`{kind.arrow}`", f"`{kind.duckdb}`"


def rules() -> str:
    """Every form of every rule, in a contract that is read here."""
    path = FOLDER / "example-contract.yaml"
    contract = load_contract(path)
    rows = [(f"`{rule.name}`", in_words(rule.check), _aside(rule)) for rule in contract.rules]
    sources = "\n".join(line for line in dbt_sources([contract]).splitlines() if not line.startswith("#"))
    return f"""
# Contracts and their rules

A contract is an [ODCS](https://bitol-io.github.io/open-data-contract-standard/) document. This one,
[example-contract.yaml](example-contract.yaml), has every form of every rule;
[example-topic.yaml](example-topic.yaml) is a topic's. A word that is not known, or a rule that contradicts another
one, is an error with file and line; what is said and cannot be checked is told with the reason. No rule is passed over.

```yaml
{path.read_text(encoding="utf-8").strip()}
```

The rules that are read from it:

{_table(("rule", "what it demands", "and"), rows)}

What it says and what is not checked:

{_table(("said", "why not"), [(left.said, left.reason) for left in contract.not_executed])}

What dbt knows of bronze, written by `python -m dataeng_assets.contracts.dbt_export`; it tests nothing that the contract
demands:

```yaml
{sources}
```

## Every kind of rule

What each demands, and what others call it. In ODCS every kind can be written as `type: custom` with `engine: dataeng`;
a word of the standard's own stands here where there is one. [Bring your rules](../how-to/bring-your-rules.md) shows how
documents of others are read.

{_names(KINDS.items())}

## Every metric

What `measure` can demand of a table or a column, with bounds.

{_names(METRICS.items())}

Four tests of dbt-expectations have no counterpart, and are told when a document has them:

{_table(("dbt-expectations", "why not"), [(f"`{name}`", reason) for name, reason in UNSAID.items()])}
"""


def _names(rows: Iterable[tuple[Any, Names]]) -> str:
    """A row for each kind or metric: its name, what it demands, and its names elsewhere."""
    head = ("rule", "what it demands", "ODCS", "Great Expectations", "dbt", "dbt-utils", "dbt-expectations")
    return _table(head, [(*_demanded(kind), *map(_quoted_names, vars(names).values())) for kind, names in rows])


def _demanded(kind: Any) -> tuple[str, str]:
    if isinstance(kind, Metric):
        return f"`{kind.value}`", METRIC_WORDS.get(kind, "")
    return f"`{kind_name(kind)}`", " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())


def _quoted_names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _aside(rule: Rule) -> str:
    """What a rule says beside its check."""
    is_warning = rule.severity is Severity.WARNING
    said = [
        f"where `{rule.where}`" if rule.where else "",
        "" if rule.bounds == NONE else str(rule.bounds),
        "a warning" if is_warning else "",
    ]
    return ", ".join(part for part in said if part)


def columns() -> str:
    """What the platform adds to each kind of table."""
    topic = load_contract(FOLDER / "example-topic.yaml")
    events = Stream("clicks", "clicks", "example", topic, Lake("unused", {})).main_schema()
    added = [field for field in events if field.name not in {column.name for column in topic.columns}]
    return f"""
# Columns that the platform adds

Times are UTC, to the microsecond.

## Every bronze table of a Postgres source

{_described(OWN_COLUMNS)}

## Rows set aside

Where the contract of a table says `quarantine`, what breaks it lies in a table of its own, `<table>_quarantine`: the
columns of the contract, and these. Here `_op` is `upsert` for a version that was set aside, and `cleared` when the
source has a good version of the key again, or the key no more.

{_described(QUARANTINE_COLUMNS)}

## Events of a topic, and late ones

{_described(added)}

Late events have no `_released_by`: what is released from the dead letters stands in the main table.

## Dead letters

{_described(DEAD_LETTERS_SCHEMA)}

## Windows

{_described(WINDOWS_SCHEMA)}
"""


def _described(fields: Iterable["pa.Field[Any]"]) -> str:
    rows = [(f"`{field.name}`", f"`{field.type}`", OURS[field.name]) for field in fields]
    return _table(("column", "type", "what it is"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [tuple(head), *(tuple(row) for row in rows)]
    lines = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in cells]
    return "\n".join([f"| {lines[0]} |", f"|{'---|' * len(cells[0])}", *(f"| {line} |" for line in lines[1:])])


def write(made: Mapping[Path, str]) -> None:
    """Write the pages."""
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(pages())
