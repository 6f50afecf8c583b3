"""A table's columns as one text, and what differs between two such texts in words."""

import json
from collections.abc import Iterable


def schema_text(columns: Iterable[tuple[str, str]]) -> str:
    """Names and types in their order, equal for equal schemas."""
    return json.dumps([[name, kind] for name, kind in columns], ensure_ascii=False, separators=(",", ":"))


def changes(before: str, after: str) -> str:
    """What differs, naming every column: `added a (BIGINT); removed b; c is VARCHAR, was BIGINT`. Empty if nothing."""
    old, new = dict(json.loads(before)), dict(json.loads(after))
    added = [f"{name} ({kind})" for name, kind in new.items() if name not in old]
    removed = [name for name in old if name not in new]
    found = [f"added {', '.join(added)}"] if added else []
    found += [f"removed {', '.join(removed)}"] if removed else []
    found += [f"{name} is {kind}, was {old[name]}" for name, kind in new.items() if old.get(name, kind) != kind]
    if not found and before != after:
        found = [f"the columns stand in another order: {', '.join(new)}"]
    return "; ".join(found)
