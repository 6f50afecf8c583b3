"""Writing suites in a named form: one document for all of them where the form holds several tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import yaml

from dataeng_assets.contracts.checks.rule import NotExecuted, Suite
from dataeng_assets.contracts.convert.avro_write import avro_text
from dataeng_assets.contracts.convert.column_types import DIALECTS
from dataeng_assets.contracts.convert.dbt_write import dbt_text
from dataeng_assets.contracts.convert.ddl import ddl_text
from dataeng_assets.contracts.convert.detect import read_suites
from dataeng_assets.contracts.convert.gx_write import great_expectations_text
from dataeng_assets.contracts.convert.json_schema_write import json_schema_text
from dataeng_assets.contracts.convert.odcs_write import odcs_text
from dataeng_assets.contracts.convert.written import Written
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.contracts.yaml_text import yaml_text

Writer = Callable[[Sequence[Suite]], Written]


class NotConverted(ValueError):
    """Suites that cannot be written so; the message says why and what can be done."""


def convert(given: str, form: str) -> Written:
    """A document in another form.

    Args:
        given: path of the document; `path#table` for one of several tables.
        form: one of `FORMS`.

    Raises:
        ContractError: the document cannot be read.
        NotConverted: it has no such table, or several for a form that holds one.
    """
    path, _, table = given.rpartition("#") if "#" in given and not Path(given).exists() else (given, "", "")
    suites = {suite.name: suite for suite in read_suites(Path(path))}
    if table and table not in suites:
        hint = did_you_mean(table, list(suites))
        raise NotConverted(f"{path} speaks about {', '.join(suites)}, not about {table!r}{hint}")
    if not suites:
        raise NotConverted(f"{path} speaks about no table")
    chosen = [suites[table]] if table else list(suites.values())
    return FORMS[form](chosen)


def _alone(write: Callable[[Suite], Written], suites: Sequence[Suite]) -> Written:
    """A form that holds one table."""
    if len(suites) > 1:
        names = ", ".join(suite.name for suite in suites)
        raise NotConverted(f"this form holds one table, and there are {names}; say which: FILE#{suites[0].name}")
    return write(suites[0])


def _in_a_row(write: Callable[[Suite], Written], suites: Sequence[Suite]) -> Written:
    """Statements one after the other."""
    made = [write(suite) for suite in suites]
    return Written("\n".join(one.text for one in made), tuple(left for one in made for left in one.unsaid))


def _models(suites: Sequence[Suite]) -> Written:
    """One properties file with all models."""
    made = [dbt_text(suite) for suite in suites]
    if len(made) == 1:
        return made[0]
    headers = {line: None for one in made for line in one.text.splitlines() if line.startswith("#")}
    models = [model for one in made for model in yaml.safe_load(one.text)["models"]]
    text = "\n".join([*headers, yaml_text({"version": 2, "models": models})])
    return Written(text, tuple(left for one in made for left in one.unsaid))


def _odcs(suites: Sequence[Suite]) -> Written:
    """One contract. What is not executed stays in it as text, and is told."""
    first = suites[0]
    if len({(suite.id, suite.version, suite.owner) for suite in suites}) > 1:
        suites = [replace(suite, id=first.id, version=first.version, owner=first.owner) for suite in suites]
    left = [replace(one, reason=f"kept as text: {one.reason}") for suite in suites for one in suite.not_executed]
    return Written(odcs_text(suites), tuple(left))


FORMS: Mapping[str, Writer] = MappingProxyType(
    {
        "odcs": _odcs,
        "json-schema": partial(_alone, json_schema_text),
        **{f"ddl-{name}": partial(_in_a_row, partial(ddl_text, dialect_name=name)) for name in DIALECTS},
        "dbt": _models,
        "avro": partial(_alone, avro_text),
        "gx": partial(_alone, great_expectations_text),
    }
)
"""Each form by its name on the command line."""


def told(left: NotExecuted) -> str:
    """A line about what was not carried over."""
    return f"{left.place}: {left.said} — {left.reason}"
