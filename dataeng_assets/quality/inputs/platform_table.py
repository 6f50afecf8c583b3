"""A table of this platform by the name that people use: `orders`, `shop.orders`, `bronze.shop.orders`, `fct_orders`.

Reading it belongs in `delta`, or in `duckdb_table` for a model that is not published to the lake.
"""

from collections.abc import Sequence

import duckdb

from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.lake.location import Lake, LakeRefused
from dataeng_assets.quality.inputs.delta import open_delta
from dataeng_assets.quality.inputs.opened import SAFE, Input, InputUnreadable


def open_platform_table(name: str, connection: duckdb.DuckDBPyConnection, lake: Lake) -> Input:
    """Open a table of the lake at its newest version.

    Args:
        name: the key with dots, or its end. What is published (gold) comes before what it was made of.
        connection: where it is read.
        lake: where the tables are.

    Raises:
        InputUnreadable: there is none of that name, or several.
    """
    try:
        key = find_key(name, lake.tables())
        return open_delta(".".join(key), lake.at(key), connection, lake.options)
    except (LakeRefused, OSError) as error:
        raise InputUnreadable(f"The lake {lake.uri} cannot be read ({error}). {SAFE} Correct DATAENG_LAKE.") from None


def find_key(name: str, keys: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The key that a name means.

    Raises:
        InputUnreadable: none or several; lists them.
    """
    wanted = tuple(name.split("."))
    found = [key for key in keys if key == wanted] or [key for key in keys if key[-len(wanted) :] == wanted]
    published = [key for key in found if key[0] == "gold"]
    candidates = published or found
    if len(candidates) > 1:
        listed = ", ".join(map(".".join, candidates))
        raise InputUnreadable(f"{name} may be any of {listed}. {SAFE} Name one of them in full.")
    if not candidates:
        guess = did_you_mean(name.rsplit(".", maxsplit=1)[-1], [key[-1] for key in keys])
        listed = ", ".join(map(".".join, keys)) or "none"
        raise InputUnreadable(
            f"There is no table {name} in the lake{guess}. {SAFE} Its tables: {listed}. Materialize it first, or "
            "correct DATAENG_LAKE."
        )
    return candidates[0]
