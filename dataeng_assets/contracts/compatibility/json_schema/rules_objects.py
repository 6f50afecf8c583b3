"""What objects demand of a pair of schemas: names, what their properties hold, and what they depend on."""

from dataeng_assets.contracts.compatibility.json_schema.containment import Judged
from dataeng_assets.contracts.compatibility.json_schema.document import shown, step
from dataeng_assets.contracts.compatibility.json_schema.node import OF_TYPE, Node
from dataeng_assets.contracts.compatibility.json_schema.rules_values import judge_counts
from dataeng_assets.contracts.compatibility.json_schema.shape import Meet, Properties, meet
from dataeng_assets.contracts.compatibility.json_schema.words import listed
from dataeng_assets.contracts.compatibility.json_schema.written import Written


def judge_objects(judged: Judged) -> None:
    """All that concerns objects."""
    written = Written(judged)
    for part in judged.target.properties:
        if part.exact:
            _judge_named(judged, part, written)
            _judge_others(judged, part, written)
        else:
            _judge_inexact(judged, part, written)
    _judge_required(judged, written)
    _judge_names(judged, written)
    if judged.target.counts.keys() & {"minProperties", "maxProperties"}:
        least, most = written.least, written.most
        judge_counts(judged, "Properties", least, most, "objects", "with fewer properties", "with more properties")
    for node in judged.target.nodes:
        for name, part_of in node.maps.get("dependentSchemas", {}).items():
            if written.under(name) is not None:
                needing = judged.pair.source.also([OF_TYPE["object"], requiring(name)])
                judged.need(needing, meet(part_of), "/dependentSchemas" + step(name))


def requiring(name: str) -> Node:
    """A schema that demands one property."""
    return Node(0, "#", {"required": frozenset({name})})


def _judge_named(judged: Judged, part: Properties, written: Written) -> None:
    # what a name holds is settled where both say it with the same schema
    settled = () if part.patterns else written.declared_as(part.named)
    for name in written.names_with(part.named):
        if name in settled:
            continue
        demanded = [node for node in judged.target.of_name(part, name) if not written.says(name, node)]
        source = written.under(name) if demanded else None
        if source is None:
            continue
        target = meet(*demanded)
        at = "/properties" + step(name)
        before, after = name in written.declared, name in part.named
        if before == after:
            judged.need(source, target, at)
        elif not judged.holds(source, target):
            _report_moved(judged, name, target, at, added=after)


def _report_moved(judged: Judged, name: str, target: Meet, at: str, *, added: bool) -> None:
    """A property is declared in one of the schemas only, and what the other says of its name is not the same."""
    subject = f"the property {shown(name)}"
    if added:
        open_model = not judged.source.named(name).nodes
        kind = "property_added_to_open_model" if open_model else "property_added_not_covered"
        judged.report(kind, subject, None, "", "may hold anything under this name" if open_model else
                      "may hold under this name what its rules for other names allow", at)  # fmt: skip
    elif judged.engine.shapes.empty(target):
        judged.report("property_removed_from_closed_model", subject, "", None, "may hold it", at)
    else:
        harm = "may hold under this name what the rules for other names do not allow"
        judged.report("property_removed_not_covered", subject, "", None, harm, at)


def _judge_others(judged: Judged, part: Properties, written: Written) -> None:
    """Properties that no schema names: by pattern, and the rest."""
    if written.says_of_others(part):
        return
    for patterns, source in written.others:
        for pattern, node in part.patterns.items():
            if written.may_match(pattern, patterns):
                judged.need(source, meet(node), "/patternProperties" + step(pattern))
        if not part.additional.accepts_all and not any(pattern in part.patterns for pattern in patterns):
            _judge_additional(judged, source, meet(part.additional))


def _judge_additional(judged: Judged, source: Meet, target: Meet) -> None:
    at, subject = "/additionalProperties", "`additionalProperties`"
    if judged.engine.shapes.empty(target):
        judged.report("additional_properties_removed", subject, "allowed", "refused", "may hold other properties", at)
    elif source.nodes:
        judged.need(source, target, at)
    elif not judged.holds(source, target):
        judged.report("additional_properties_narrowed", subject, "anything", "a schema",
                      "may hold anything under other names", at)  # fmt: skip


def _judge_inexact(judged: Judged, part: Properties, written: Written) -> None:
    """Rules whose reach depends on the document hold as a whole or are undecided."""
    holds = judged.holds
    fits = all(
        source is None or holds(source, meet(*judged.target.of_name(part, name)))
        for name, source in ((name, written.under(name)) for name in written.names_with(part.named))
    ) and all(
        holds(source, meet(node)) for _, source in written.others for node in (*part.patterns.values(), part.additional)
    )
    if not fits:
        subject = "what `unevaluatedProperties` covers"
        judged.report("undecided_unevaluated_properties", subject, "", "", "may hold other properties")


def _judge_required(judged: Judged, written: Written) -> None:
    for name in sorted(judged.target.required - written.required):
        at = "/properties" + step(name)
        judged.report(
            "required_property_added", f"the demand that {shown(name)} is present", None, "", "may lack it", at
        )
    for name, needs in judged.target.dependent.items():
        lacking = sorted(needs - written.with_property(name))
        if lacking and written.under(name) is not None:
            subject = f"the demand that {shown(name)} comes with {listed(lacking)}"
            judged.report("dependent_required_added", subject, None, "", f"may lack {listed(lacking)} beside it")


def _judge_names(judged: Judged, written: Written) -> None:
    shapes = judged.engine.shapes
    for node in judged.target.names:
        refused = [
            shown(name)
            for name in written.names_with(())
            if written.under(name) is not None and shapes.admits((node,), name, frozenset()) is not True
        ]
        fits = all(judged.holds(written.name_of(patterns), meet(node)) for patterns, _ in written.others)
        if refused or not fits:
            kind = "property_names_changed" if judged.source.names else "property_names_added"
            before = "another schema" if judged.source.names else None
            harm = f"may hold {listed(refused)}" if refused else "may hold properties of other names"
            judged.report(kind, "`propertyNames`", before, "a schema", harm, "/propertyNames")
