"""Tables of this platform as people mean them: which rules they are judged by, and which of their rows are present."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dataeng_assets.contracts.checks.rule import Suite
from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.contracts.convert.detect import read_suites
from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.quality.inputs.opened import Input, InputUnreadable
from dataeng_assets.settings import ROOT

_DELETED = "_op"


def platform_key(opened: Input) -> tuple[str, ...]:
    """The key of a table that was opened by its name in the lake."""
    return tuple(opened.name.split("."))


def platform_suite(key: tuple[str, ...], root: Path = ROOT) -> Suite:
    """What is demanded of a table: bronze keeps its contract, everything made by dbt the properties of its model.

    Raises:
        InputUnreadable: nothing demands anything of it.
    """
    suites = _contracts(root) if key[0] == "bronze" else _models(root)
    found = next((suite for source, suite in suites if source in (key[1:], key[-1:])), None)
    if found is None:
        raise InputUnreadable(
            f"No contract and no model says anything of {'.'.join(key)}. Nothing was judged. Name the rules with "
            "--schema, or write a contract (`dataeng contract infer` proposes one)."
        )
    return found


def _contracts(root: Path) -> Iterator[tuple[tuple[str, ...], Suite]]:
    for folder in sorted((root / "dataeng_assets" / "defs").glob("*/contracts")):
        for contract in load_contracts(folder).values():
            yield (contract.domain, contract.name), contract.stored_suite


def _models(root: Path) -> Iterator[tuple[tuple[str, ...], Suite]]:
    for path in sorted((root / "dbt" / "models").rglob("*.yml")):
        for suite in read_suites(path):
            yield (suite.name,), suite


def current_rows(opened: Input, key: tuple[str, ...], suite: Suite) -> Input:
    """The rows of a table that are there now, without the columns that the platform adds.

    Bronze keeps every version: present is the newest of each key, unless that is its delete.
    """
    own = tuple(column for column in opened.columns if not column.name.startswith("_"))
    names = [column.name for column in opened.columns]
    if key[0] != "bronze" or not suite.key or _DELETED not in names:
        return replace(opened, columns=own)
    newest = f"row_number() over (partition by {listed(map(quoted, suite.key))} order by _extracted_at desc) = 1"
    relation = f"(select * from (select * from {opened.relation} qualify {newest}) where _op <> 'delete')"
    return replace(opened, relation=relation, columns=own, rows=None)
