"""Whether a source table is what its contract says; decided from the catalog, before a row is read.

What a value may be belongs in `contracts.types`; what rows hold is checked after they are read, in `versions`.
"""

from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.extract.plan import SourceTable
from dataeng_assets.postgres.catalog import TableFacts
from dataeng_assets.postgres.errors import SourceRefused

_WATERMARK = "timestamp with time zone"
_SAFE = "Nothing of this table was read or committed, and what was committed before is untouched."


def agree(table: SourceTable, facts: TableFacts) -> tuple[str, ...]:
    """Compare contract and catalog.

    Returns:
        What loses nothing, in words: each column that the contract does not name.

    Raises:
        SourceRefused: a column of the contract is missing or has another type, or the watermark cannot be followed;
            names every such column.
    """
    contract = table.contract
    broken = [said for column in contract.columns if (said := _disagreement(column, contract, facts))]
    if broken:
        raise SourceRefused(
            f"{table.name} is not what {contract.path.name} says: {'; '.join(broken)}. {_SAFE} If the source changed "
            "on purpose, change the contract to match; otherwise change the source back."
        )
    _check_watermark(table)
    _check_key(table)
    return tuple(
        f"column {column.name} ({column.type}) is in the source and not in the contract; add it to "
        f"{contract.path.name} to copy it"
        for column in facts.columns
        if column.name not in {known.name for known in contract.columns}
    )


def is_unique(contract: Contract, facts: TableFacts) -> bool:
    """Whether the source itself sees to it that no two rows share the contract's key."""
    return any(columns <= set(contract.key) for columns in facts.unique)


def _disagreement(column: Column, contract: Contract, facts: TableFacts) -> str | None:
    found = facts.column(column.name)
    if found is None:
        spare = [known.name for known in facts.columns if known.name not in {c.name for c in contract.columns}]
        hint = f" (the source has {', '.join(spare)}, which the contract does not name: renamed?)" if spare else ""
        return f"column {column.name} is missing{hint}"
    if not column.type.accepts(found.type):
        return f"column {column.name} is {found.type}, the contract says {column.physical}"
    return None


def _check_watermark(table: SourceTable) -> None:
    if table.watermark is None:
        return
    column = next((column for column in table.contract.columns if column.name == table.watermark), None)
    if column is None or column.type.kind != _WATERMARK or column.nullable:
        found = "not in the contract" if column is None else f"{column.physical}{' or NULL' if column.nullable else ''}"
        raise SourceRefused(
            f"The watermark {table.watermark} of {table.name} is {found}; it has to be a required column of type "
            f"{_WATERMARK}, because it is compared with the start of the source's transactions. {_SAFE} Name another "
            f"`watermark` for the table in defs.yaml, correct {table.contract.path.name}, or let the table be read "
            "whole by every run (`mode: full`) if it has no such column."
        )


def _check_key(table: SourceTable) -> None:
    names = {column.name: column for column in table.contract.columns}
    missing = [name for name in table.contract.key if name not in names or names[name].nullable]
    if missing or not table.contract.key:
        raise SourceRefused(
            f"The key of {table.name} ({', '.join(missing) or 'empty'}) has to be one or more required columns of the "
            f"contract: without it no row has versions. {_SAFE} Correct {table.contract.path.name}."
        )
