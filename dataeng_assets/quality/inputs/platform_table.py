"""A table of this platform by the name that people use: `orders`, `shop.orders`, `bronze.shop.orders`, `fct_orders`.

Reading it belongs in `delta`, or in `duckdb_table` for a model that only the warehouse has.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import duckdb

from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.lake.location import Lake, LakeRefused
from dataeng_assets.quality.inputs.delta import open_delta
from dataeng_assets.quality.inputs.duckdb_table import attach, open_place, tables_of
from dataeng_assets.quality.inputs.opened import SAFE, Input, InputUnreadable

Key = tuple[str, ...]


def open_platform_table(name: str, connection: duckdb.DuckDBPyConnection, lake: Lake, warehouse: Path) -> Input:
    """Open a table of the lake at its newest version, or one of the warehouse that is not in the lake.

    Args:
        name: the key with dots, or its end. What is published (gold) comes before what it was made of.
        connection: where it is read.
        lake: where the tables are.
        warehouse: the DuckDB file of the models; it need not be there.

    Raises:
        InputUnreadable: there is none of that name, or several.
    """
    try:
        keys = lake.tables()
    except (LakeRefused, OSError) as error:
        raise InputUnreadable(f"The lake {lake.uri} cannot be read ({error}). {SAFE} Correct DATAENG_LAKE.") from None
    key = find_key(name, keys)
    if key is not None:
        return open_delta(".".join(key), lake.at(key), connection, lake.options)
    found = _in_warehouse(name, connection, warehouse)
    if found is None:
        guess = did_you_mean(name.rsplit(".", maxsplit=1)[-1], [key[-1] for key in keys])
        listed = ", ".join(map(".".join, keys)) or "none"
        raise InputUnreadable(
            f"There is no table {name} in the lake or the warehouse{guess}. {SAFE} The lake's tables: {listed}. "
            "Materialize it first, or correct DATAENG_LAKE."
        )
    return found


def find_key(name: str, keys: Sequence[Key]) -> Key | None:
    """The key that a name means; None when there is none.

    Raises:
        InputUnreadable: there are several; lists them.
    """
    wanted = tuple(name.split("."))
    found = [key for key in keys if key == wanted] or [key for key in keys if key[-len(wanted) :] == wanted]
    candidates = [key for key in found if key[0] == "gold"] or found
    if len(candidates) > 1:
        listed = ", ".join(map(".".join, candidates))
        raise InputUnreadable(f"{name} may be any of {listed}. {SAFE} Name one of them in full.")
    return candidates[0] if candidates else None


def _in_warehouse(name: str, connection: duckdb.DuckDBPyConnection, warehouse: Path) -> Input | None:
    if not warehouse.is_file():
        return None
    with ExitStack() as resources:
        catalog = attach(warehouse, connection, resources)
        places = {place[:2]: place for place in tables_of(catalog, connection)}
        key = find_key(name, list(places))
        if key is None:
            return None
        place = places[key[0], key[1]]
        return open_place(".".join(key), warehouse, catalog, place, connection, resources)
