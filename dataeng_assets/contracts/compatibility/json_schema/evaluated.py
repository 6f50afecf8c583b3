"""Which properties and items other keywords have judged, so that `unevaluatedProperties` and `unevaluatedItems` do not.

That may depend on the document. Asked for what is certain, the answer is the least that is judged whatever the
document; else the most that may be. Nothing here depends on what is compared.
"""

from collections.abc import Iterator

from dataeng_assets.contracts.compatibility.json_schema.node import Node

Judged = tuple[dict[str, None], dict[str, None]]
"""Names, and patterns of names."""


def evaluated_properties(node: Node, *, certain: bool) -> tuple[Judged | None, bool]:
    """Which properties are judged beside `unevaluatedProperties`; None for all. Also, whether that is exact."""
    names: dict[str, None] = {}
    patterns: dict[str, None] = {}
    exact = True
    for part, is_certain in _applying(node):
        judges_all = "additionalProperties" in part.single or (
            part is not node and "unevaluatedProperties" in part.single
        )
        speaks = judges_all or "properties" in part.maps or "patternProperties" in part.maps
        exact = exact and (is_certain or not speaks)
        if certain and not is_certain:
            continue
        if judges_all:
            return None, exact
        names |= dict.fromkeys(part.maps.get("properties", ()))
        patterns |= dict.fromkeys(part.maps.get("patternProperties", ()))
    return (names, patterns), exact


def evaluated_items(node: Node, *, certain: bool) -> tuple[int | None, bool]:
    """How many items are judged beside `unevaluatedItems`; None for all. Also, whether that is exact."""
    count = 0
    exact = True
    for part, is_certain in _applying(node):
        judges_all = "items" in part.single or (part is not node and "unevaluatedItems" in part.single)
        # what `contains` has matched is judged too, from 2020-12 on
        depends = "contains" in part.single
        exact = exact and not depends and (is_certain or not (judges_all or "prefixItems" in part.lists))
        if certain and not is_certain:
            continue
        if judges_all or (depends and not certain):
            return None, exact
        count = max(count, len(part.lists.get("prefixItems", ())))
    return count, exact


def _applying(node: Node) -> Iterator[tuple[Node, bool]]:
    """All schemas that judge the same value from inside this one, each with whether it certainly does."""
    seen: set[tuple[Node, bool]] = set()
    queue = [(node, True)]
    while queue:
        at = queue.pop()
        if at in seen:
            continue
        seen.add(at)
        yield at
        part, is_certain = at
        always = [*([part.single["$ref"]] if "$ref" in part.single else []), *part.lists.get("allOf", ())]
        queue += [(inner, is_certain) for inner in always]
        queue += [(inner, False) for inner in part.beside() if not any(inner is one for one in always)]
