"""Judging one pair of schemas: what is shared is left out, choices are opened, the rest goes to the rules by type."""

from collections.abc import Iterator

from dataeng_assets.contracts.compatibility.json_schema.containment import Containment, Judged, Pair
from dataeng_assets.contracts.compatibility.json_schema.node import OF_TYPE, Node
from dataeng_assets.contracts.compatibility.json_schema.rules_arrays import judge_arrays
from dataeng_assets.contracts.compatibility.json_schema.rules_objects import judge_objects
from dataeng_assets.contracts.compatibility.json_schema.rules_values import (
    NUMBERS,
    judge_enum,
    judge_listed,
    judge_numbers,
    judge_strings,
    judge_types,
    type_names,
)
from dataeng_assets.contracts.compatibility.json_schema.shape import Meet, Side, both, meet
from dataeng_assets.contracts.compatibility.json_schema.words import Problem

MOST_EXPLAINED = 20
"""How many branches of a choice are looked at to say which one a refused branch comes nearest to."""


def judge(engine: Containment, pair: Pair, place: str, branch: str, *, explain: bool) -> Judged:
    """Judge one pair; `explain` when all problems are wanted, not only whether there is one."""
    shapes = engine.shapes
    source = shapes.of(pair.source, Side.SOURCE)
    said = [node for node in source.nodes if not node.accepts_all]
    new = frozenset(
        node
        for node in shapes.flat(pair.target)
        if not node.accepts_all and not any(shapes.sameness.same(one, node) for one in said)
    )
    target = shapes.only_of(new)
    judged = Judged(engine, pair, place, branch, source, target)
    if not new:
        return judged
    # a schema written by itself is seldom impossible, and only worth a look when something is wrong with it
    is_composed = len(source.nodes) > 1 or source.barred
    if is_composed and shapes.empty(pair.source):
        return judged
    values = shapes.values(pair.source)
    if values is not None:
        judge_listed(judged, values)
    elif source.choices:
        _open_choice(judged)
    else:
        _judge_by_type(judged)
        _judge_choices(judged, explain=explain)
    if judged.problems and not is_composed and shapes.empty(pair.source):
        judged.problems.clear()
        judged.needed.clear()
    return judged


def _open_choice(judged: Judged) -> None:
    """The source leaves a choice: without it the target may hold already, else with each branch."""
    source, target = judged.pair.source, judged.pair.target
    undivided = Meet(source.nodes, source.opened | set(judged.source.choices), source.barred)
    if judged.holds(undivided, target):
        return
    if len(judged.target.nodes) > 1:
        for node in judged.target.nodes:
            judged.need(source, Meet(frozenset({node})), branch=judged.branch)
        return
    choices = judged.source.choices
    if any(all(judged.holds(branch, target) for branch in _only_branches(judged, one)) for one in choices):
        return
    for at, branch in judged.engine.shapes.branches(source, choices[0]):
        judged.need(branch, target, branch=judged.branch + at)


def _only_branches(judged: Judged, choice: tuple[Node, str]) -> Iterator[Meet]:
    """The source with each branch of one choice, the other choices left alone: that keeps many choices cheap."""
    source = judged.pair.source
    others = (one for one in judged.source.choices if one != choice)
    alone = Meet(source.nodes, source.opened.union(others), source.barred)
    return (branch for _, branch in judged.engine.shapes.branches(alone, choice))


def _judge_by_type(judged: Judged) -> None:
    shared = judge_types(judged)
    if not shared:
        return
    judge_enum(judged)
    if shared & NUMBERS:
        judge_numbers(judged)
    if "string" in shared:
        judge_strings(judged)
    if "array" in shared:
        judge_arrays(judged)
    if "object" in shared:
        judge_objects(judged)


def _judge_choices(judged: Judged, *, explain: bool) -> None:
    source = judged.pair.source
    for node in judged.target.nodes:
        for word in ("anyOf", "oneOf"):
            if word in node.lists:
                _judge_choice(judged, node, word, explain=explain)
        if "not" in node.single and not judged.engine.disjoint(source, node.single["not"]):
            kind = "undecided_not" if judged.source.barred else "not_added"
            before = "another schema" if judged.source.barred else None
            judged.report(kind, "`not`", before, "a schema", "may hold what it excludes", "/not")
        if "if" in node.single:
            condition = node.single["if"]
            if "then" in node.single:
                judged.need(source.also([condition]), meet(node.single["then"]), "/then")
            if "else" in node.single and not judged.holds(source, meet(condition)):
                judged.need(source.also(barred=[condition]), meet(node.single["else"]), "/else")


def _judge_choice(judged: Judged, node: Node, word: str, *, explain: bool) -> None:
    source, engine = judged.pair.source, judged.engine
    branches = node.lists[word]
    same = engine.shapes.sameness.same_branches
    if any(word in one.lists and same(one.lists[word], branches) for one in judged.source.nodes):
        return
    if word == "anyOf":
        overlapping: list[Node] = []
        if any(judged.holds(source, meet(one)) for one in branches):
            return
    else:
        overlapping = [one for one in branches if not engine.disjoint(source, one)]
        if len(overlapping) == 1 and judged.holds(source, meet(overlapping[0])):
            return
    if len(judged.source.types) > 1:
        for kind in sorted(judged.source.types):
            judged.need(source.also([OF_TYPE.get(kind, OF_TYPE["number"])]), meet(engine.only(node, word)))
        return
    if any(judged.holds(source, meet(one)) for one in overlapping):
        judged.report("undecided_one_of", "`oneOf`", "", "", "may match more than one branch", f"/{word}")
        return
    is_gone = explain and all(engine.disjoint(source, one) for one in branches)
    nearest = _nearest(judged, branches, word) if explain and not is_gone else []
    judged.problems += nearest
    if not nearest:
        harm = f"may hold values of type {type_names(judged.source.types)} that no branch accepts"
        judged.report("branch_removed", f"a branch of `{word}`", "", None, harm, judged.branch or f"/{word}")


def _nearest(judged: Judged, branches: tuple[Node, ...], word: str) -> list[Problem]:
    """What is wrong with the branch that comes nearest to accepting the source."""
    found: list[list[Problem]] = []
    for position, one in enumerate(branches[:MOST_EXPLAINED]):
        shape = judged.engine.shapes.of(meet(one), Side.TARGET)
        if both(judged.source.types, shape.types):
            at = f"{judged.place}/{word}/{position}"
            found.append(judged.engine.problems(judged.pair.source, meet(one), lenient=judged.pair.lenient, place=at))
    return min((problems for problems in found if problems), key=len, default=[])
