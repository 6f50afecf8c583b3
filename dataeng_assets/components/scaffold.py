"""What `dg scaffold defs` writes: a source that loads at once, with a place for everything that is to be filled in."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from dataeng_assets.contracts.checks.kinds import OneOf
from dataeng_assets.contracts.checks.naming import derived_name
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.model import Column, Contract, EventTime, implied
from dataeng_assets.contracts.types import event_type
from dataeng_assets.contracts.write import contract_yaml

_TABLES = """\
# Tables of one Postgres schema, each version of each row. With a database at hand, `dataeng discover` fills this in.
type: {type}
attributes:
  # second part of the asset keys: [bronze, {name}, <table>]
  source: {name}
  # names the variable that holds the address: in the environment or in .env, never here
  url_variable: DATAENG_{upper}_URL
  # schema of the tables in Postgres
  db_schema: public
  # a required timestamptz column that moves whenever a row changes
  watermark: updated_at
  # what differs by table, by the name in its contract:
  # tables:
  #   a_table_without_a_clock: {{mode: full}}
  #   another_table: {{watermark: changed_at}}
"""
_NO_CONTRACTS = """\
# Contracts of {name}

One YAML document per table, named like it: what the columns are, and what must hold of them. Write them from the
database itself:

    dataeng discover postgresql://USER@HOST:5432/DATABASE --schema public --name {name} --force

or by hand, as `docs/reference/example-contract.yaml` shows. Then `dg check yaml`, and look at it with `make dev`.
"""
_TOPIC = """\
# A topic, each offset once. Its contract is in contracts/{name}.yaml: a template, to be made true.
type: {type}
attributes:
  # name of the topic, and of its contract
  topic: {name}
  # second part of the asset keys: [bronze, {name}, <stream>]
  domain: {name}
  # names the variable that holds the brokers: in the environment or in .env, never here
  bootstrap_variable: DATAENG_KAFKA_BOOTSTRAP
  # length of the tumbling windows
  window_minutes: 5
"""


class PostgresTablesScaffolder(dg.Scaffolder[Any]):
    """A source without tables: `defs.yaml`, and a folder for contracts that says how to come by them."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write the source into its folder."""
        if is_plain_yaml(request):
            write(request, "defs.yaml", _TABLES)
            write(request, "contracts/README.md", _NO_CONTRACTS)


class KafkaTopicScaffolder(dg.Scaffolder[Any]):
    """A topic with the template of a contract."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write the source into its folder."""
        if is_plain_yaml(request):
            write(request, "defs.yaml", _TOPIC)
            name = request.target_path.name
            path = request.target_path / "contracts" / f"{name}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"# A template: say what the records of {name} hold.\n{contract_yaml(_template(path))}")


def is_plain_yaml(request: dg.ScaffoldRequest[Any]) -> bool:
    """Whether a new `defs.yaml` is asked for; for anything else Dagster's own scaffolding is as good."""
    if request.scaffold_format == "yaml" and not request.append:
        return True
    dg.scaffold_component(request)
    return False


def write(request: dg.ScaffoldRequest[Any], file: str, text: str) -> None:
    """Write a file of the component, its type and name filled in."""
    name = request.target_path.name
    path = request.target_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.format(type=request.type_name, name=name, upper=name.upper()), encoding="utf-8")


def _template(path: Path) -> Contract:
    """A contract with the fields that the windows count."""
    columns = (
        _field("event_id", "uuid", "Identifies the event, however often it is delivered."),
        _field("user_id", "bigint", "Who did it; empty for somebody unknown.", nullable=True),
        _field("event_type", "string", "What was done."),
        _field("occurred_at", "timestamp", "When, by the clock of whoever sent it."),
    )
    kinds = OneOf("event_type", ("created", "changed"))
    return Contract(
        path=path,
        id=f"{path.stem}.{path.stem}",
        name=path.stem,
        version="1.0.0",
        description="One record per delivery of an event; say which.",
        owner="data",
        domain=path.stem,
        tags=(),
        columns=columns,
        key=("event_id",),
        freshness=timedelta(hours=1),
        event_time=EventTime("occurred_at", timedelta(minutes=10), timedelta(minutes=5)),
        rules=(*implied(columns, ()), Rule(kinds, derived_name(kinds))),
    )


def _field(name: str, kind: str, description: str, *, nullable: bool = False) -> Column:
    return Column(name, event_type(kind), kind, nullable, False, description)
