"""Reading a document about tables, whichever of the known forms it has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataeng_assets.contracts.checks.rule import Suite
from dataeng_assets.contracts.convert.dbt import is_properties, read_dbt
from dataeng_assets.contracts.convert.great_expectations import read_great_expectations
from dataeng_assets.contracts.convert.json_schema import read_json_schema
from dataeng_assets.contracts.convert.odcs_read import suites_of
from dataeng_assets.contracts.convert.simple import read_simple
from dataeng_assets.contracts.document import document_of
from dataeng_assets.contracts.plain import Plain, read_plain, shortened

Reader = Callable[[Plain], tuple[Suite, ...]]


@dataclass(frozen=True)
class Form:
    """A form of documents.

    Attributes:
        name: as people call it.
        begins: how it is told from the others, in words.
        is_it: whether a document has it, by its keys.
        read: makes suites of a document that has it.
    """

    name: str
    begins: str
    is_it: Callable[[Mapping[str, Any]], bool]
    read: Reader


FORMS = (
    Form(
        "ODCS",
        "`apiVersion` and `kind: DataContract`",
        lambda said: "apiVersion" in said or said.get("kind") == "DataContract",
        lambda plain: suites_of(document_of(plain)),
    ),
    Form("simple contract", "`contract` and `schema`", lambda said: "contract" in said, read_simple),
    Form(
        "Great Expectations",
        "`expectations`",
        lambda said: isinstance(said.get("expectations"), list),
        read_great_expectations,
    ),
    Form("dbt", "`models`, `sources`, `seeds` or `snapshots`", is_properties, read_dbt),
    Form(
        "JSON Schema",
        "`$schema`, or `type: object` and `properties`",
        lambda said: bool({"$schema", "properties", "$defs", "definitions"} & set(said)) or "items" in said,
        read_json_schema,
    ),
)
"""In this order they are tried."""


def read_suites(path: Path) -> tuple[Suite, ...]:
    """The suites of a document: one for each table that it speaks about.

    Raises:
        ContractError: it cannot be read, has none of the forms, or is broken by the rules of its form.
    """
    plain = read_plain(path, f"one of {_names()}")
    return form_of(plain).read(plain)


def form_of(plain: Plain) -> Form:
    """The form of a document.

    Raises:
        ContractError: it has none; names them all.
    """
    if isinstance(plain.data, dict):
        for form in FORMS:
            if form.is_it(plain.data):
                return form
    told = "; ".join(f"{form.name} (begins with {form.begins})" for form in FORMS)
    found = f"keys {', '.join(map(str, plain.data))}" if isinstance(plain.data, dict) else plain.data
    raise plain.error((), shortened(found), f"one of these forms: {told}")


def _names() -> str:
    return ", ".join(form.name for form in FORMS)
