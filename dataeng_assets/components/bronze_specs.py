"""What a contract says of an asset: description, owner, columns, freshness."""

from collections.abc import Iterable
from typing import Any

import dagster as dg
import pyarrow as pa

from dataeng_assets.contracts.model import Contract
from dataeng_assets.orchestration.lake_io import column_schema

SLA_SECONDS = "sla_seconds"
"""Metadata under which an asset's freshness stands; `definitions.py` makes the policy of it."""


def contract_columns(contract: Contract, *, one_row_per_key: bool) -> dg.TableSchema:
    """The contract's columns as Dagster shows them; bronze holds every version and delivery of a key."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.physical,
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=one_row_per_key and contract.key == (column.name,), other=[]
                ),
                tags={"personal": ""} if column.personal else {},
            )
            for column in contract.columns
        ]
    )


def shown_columns(contract: Contract) -> list[str]:
    """The columns that a preview may show: all that are not personal."""
    return [column.name for column in contract.columns if not column.personal]


def bronze_spec(
    key: tuple[str, ...],
    contract: Contract,
    *,
    deps: Iterable[tuple[str, ...]],
    kinds: set[str],
    description: str | None = None,
    columns: pa.Schema | None = None,
    is_awaited: bool = True,
    **attributes: Any,
) -> dg.AssetSpec:
    """The asset of one lake table that a contract stands behind.

    Args:
        key: of the asset.
        contract: says the rest.
        deps: keys of what it is made from.
        kinds: shown as its icons.
        description: the contract's when None.
        columns: the contract's when None.
        is_awaited: whether it is late when nothing has come for as long as the contract says.
        attributes: more of the asset.
    """
    metadata: dict[str, Any] = {
        "dagster/column_schema": column_schema(columns)
        if columns
        else contract_columns(contract, one_row_per_key=False),
        "contract": dg.MetadataValue.text(f"{contract.id} {contract.version}"),
    }
    if contract.freshness and is_awaited:
        metadata[SLA_SECONDS] = contract.freshness.total_seconds()
    return dg.AssetSpec(
        key=dg.AssetKey(key),
        deps=[dg.AssetKey(dep) for dep in deps],
        description=description or contract.description,
        group_name=contract.domain,
        owners=[_owner(contract)],
        kinds=kinds,
        tags={"layer": key[0]},
        metadata=metadata,
        **attributes,
    )


def source_spec(key: tuple[str, ...], contract: Contract, kind: str) -> dg.AssetSpec:
    """The external asset that stands for a table or topic outside of the platform."""
    return dg.AssetSpec(
        key=dg.AssetKey(key),
        description=contract.description,
        group_name=contract.domain,
        owners=[_owner(contract)],
        kinds={kind},
        tags={"layer": "source"},
        metadata={"dagster/column_schema": contract_columns(contract, one_row_per_key=True)},
    )


def _owner(contract: Contract) -> str:
    """An address as it is, anything else as a team: Dagster knows no other owners."""
    return contract.owner if "@" in contract.owner else f"team:{contract.owner}"
