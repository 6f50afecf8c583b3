"""What a rule is called when nobody named it, and how names are made unique without renaming others."""

import json
import re
from collections.abc import Container
from hashlib import sha256

from dataeng_assets.contracts.checks.as_mapping import as_mapping, kind_name
from dataeng_assets.contracts.checks.consistent import named_columns
from dataeng_assets.contracts.checks.kinds import Check, HasColumns, Holds, Measure, Reconciles

LONGEST = 100
"""Characters of a name."""


def derived_name(check: Check, column: str = "") -> str:
    """`not_null__order_id`: the kind of the check, or its metric, and the columns that it names.

    Args:
        check: what is named.
        column: stands for the columns of a check that is free SQL.
    """
    kind = check.metric.value if isinstance(check, Measure) else kind_name(type(check))
    if isinstance(check, Holds | HasColumns):
        columns: tuple[str, ...] = (column,) if column else ()
    else:
        columns = named_columns(check) or ((column,) if column else ())
    other = (check.table,) if isinstance(check, Reconciles) else ()
    return plain_name("__".join((kind, *columns, *other)))


def plain_name(text: str) -> str:
    """A text with letters, digits and underscores only, and not too long."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", text.strip()) or "_"
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}_{_digest(text)}"


def unique_name(wanted: str, check: Check, taken: Container[str]) -> str:
    """The wanted name, or when it is taken, one that depends on what the check demands and on nothing else."""
    if wanted not in taken:
        return wanted
    said = json.dumps(as_mapping(check), sort_keys=True)
    name = f"{wanted[: LONGEST - 9]}_{_digest(said)}"
    number = 2
    while name in taken:
        name = f"{wanted[: LONGEST - 9]}_{_digest(f'{said} {number}')}"
        number += 1
    return name


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:8]
