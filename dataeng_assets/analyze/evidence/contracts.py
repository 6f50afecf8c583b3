"""What contracts say of tables: types, what may be NULL, keys."""

from pathlib import Path

from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts
from dataeng_assets.contracts.load import load_contracts
from dataeng_assets.contracts.model import Contract


def contract_facts(root: Path) -> Facts:
    """The facts of all contracts of a project, by `<source>.<table>`.

    They hold for the source. In bronze a key stands once for each version of a row.

    Args:
        root: of the project, with its contracts in `dataeng_assets/defs/<source>/contracts`.

    Raises:
        ContractError: one of them is broken.
    """
    folders = sorted((root / "dataeng_assets" / "defs").glob("*/contracts"))
    return Facts(
        {
            f"{folder.parent.name}.{name}".lower(): _table(contract)
            for folder in folders
            for name, contract in load_contracts(folder).items()
        }
    )


def _table(contract: Contract) -> TableFacts:
    is_topic = contract.topic is not None or contract.event_time is not None
    key = frozenset(name.lower() for name in contract.key)
    alone = {next(iter(key))} if len(key) == 1 and not is_topic else set()
    return TableFacts(
        contract.name,
        keys=(key,) if key and not is_topic else (),
        columns={
            column.name.lower(): ColumnFacts(
                column.type.duckdb.lower(), column.nullable, is_unique=True if column.name.lower() in alone else None
            )
            for column in contract.columns
        },
        source="contract",
    )
