"""What arrays demand of a pair of schemas."""

from dataeng_assets.contracts.compatibility.json_schema.containment import Judged
from dataeng_assets.contracts.compatibility.json_schema.node import Node
from dataeng_assets.contracts.compatibility.json_schema.rules_values import judge_counts
from dataeng_assets.contracts.compatibility.json_schema.shape import Items, Meet, meet
from dataeng_assets.contracts.compatibility.json_schema.shapes import least_items

Demand = tuple[Meet, Meet, str]


def judge_arrays(judged: Judged) -> None:
    """Counts, uniqueness, items by position, and what must be contained."""
    source, target = judged.source, judged.target
    most = judged.engine.shapes.most_items(source)
    judge_counts(judged, "Items", least_items(source), most, "arrays", "with fewer items", "with more items")
    if target.unique and not source.unique and (most is None or most > 1):
        judged.report("unique_items_added", "`uniqueItems`", None, "true", "may repeat an item")
    for part in target.items:
        _judge_items(judged, part, most)
    for node, least, at_most in target.contains:
        if least > 0 and not _surely_contains(judged, node, least):
            kind = "undecided_contains" if source.contains else "contains_added"
            what = ("another schema", f"one that {least} items must match")
            judged.report(kind, "`contains`", what[0] if source.contains else None, what[1], "may lack such an item")
        if at_most is not None and not _surely_limited(judged, node, at_most, most):
            kind = "undecided_contains" if source.contains else "max_contains_added"
            before = "another limit" if source.contains else None
            judged.report(kind, "`maxContains`", before, str(at_most), "may hold more such items")


def _judge_items(judged: Judged, part: Items, most: int | None) -> None:
    demands = _demands(judged, part, most)
    if not part.exact:
        if not all(judged.holds(source, target) for source, target, _ in demands):
            subject = "what `unevaluatedItems` covers"
            judged.report("undecided_unevaluated_items", subject, "", "", "may hold other items")
        return
    shapes = judged.engine.shapes
    for source, target, at in demands:
        if shapes.empty(target) and not shapes.empty(source):
            judged.report("items_removed", "the item", "", None, "may hold an item here", at)
        else:
            judged.need(source, target, at)


def _demands(judged: Judged, part: Items, most: int | None) -> list[Demand]:
    source = judged.source
    length = max(source.prefix_length, len(part.prefix))
    demands: list[Demand] = []
    for position in range(length if most is None else min(length, most)):
        demanded = part.prefix[position] if position < len(part.prefix) else part.rest
        written = next((one.prefix[position] for one in (part, *source.items) if position < len(one.prefix)), None)
        demands.append((source.item(position), meet(demanded), _end_of(written, 2, f"/prefixItems/{position}")))
    if most is None or most > length:
        demands.append((source.item(length), meet(part.rest), _end_of(part.rest, 1, "/items")))
    return demands


def _end_of(node: Node | None, steps: int, otherwise: str) -> str:
    """The last steps of a schema's own place: drafts call the parts of an array differently."""
    if node is None or node.place.count("/") < steps:
        return otherwise
    return "/" + "/".join(node.place.split("/")[-steps:])


def _surely_contains(judged: Judged, node: Node, least: int) -> bool:
    """Whether every array of the source has as many items that a schema accepts."""
    engine, source, wanted = judged.engine, judged.source, meet(node)
    if any(n >= least and engine.holds(meet(one), wanted, lenient=False) for one, n, _ in source.contains):
        return True
    certain, prefix = least_items(source), source.prefix_length
    if certain < least:
        return False
    count = sum(engine.holds(source.item(at), wanted, lenient=False) for at in range(min(certain, prefix)))
    if count < least and certain > prefix and engine.holds(source.item(prefix), wanted, lenient=False):
        count += certain - prefix
    return count >= least


def _surely_limited(judged: Judged, node: Node, at_most: int, most: int | None) -> bool:
    """Whether no array of the source has more items that a schema accepts."""
    engine, source, counted = judged.engine, judged.source, meet(node)
    if most is not None and most <= at_most:
        return True
    limits = ((one, n) for one, _, n in source.contains if n is not None and n <= at_most)
    if any(engine.holds(counted, meet(one), lenient=False) for one, _ in limits):
        return True
    return all(engine.disjoint(source.item(at), node) for at in range(source.prefix_length + 1))
