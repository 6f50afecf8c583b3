"""The pages of the reference about rules, as Markdown: an index, and one for each rule."""

from collections.abc import Iterator

from dataeng_assets.analyze.engines import ALL, Engine
from dataeng_assets.analyze.guide import Guide
from dataeng_assets.analyze.guides import GUIDES
from dataeng_assets.analyze.rule import Rule
from dataeng_assets.analyze.rules import FAMILIES, RULES
from dataeng_assets.analyze.terms import size

MAX_LINE = 100


def pages() -> dict[str, str]:
    """The text of each page by its name; `index` is the first."""
    guides = [guide for family in GUIDES.values() for guide in family]
    return {
        "index": _index(),
        **{rule.id: page(rule) for rule in RULES},
        **{guide.id: guide_page(guide) for guide in guides},
    }


def page(rule: Rule) -> str:
    """Bad, good, why, and when it is right all the same."""
    return "\n".join(_lines(rule)).strip() + "\n"


def guide_page(guide: Guide) -> str:
    """The same of what is found outside of SQL."""
    lines = [f"# {guide.title}", "", f"Rule `{guide.id}`, severity {guide.severity}.", ""]
    for name, example in (("Bad", guide.bad), ("Good", guide.good)):
        lines += [f"## {name}", "", f"```{guide.language}", example, "```", ""] if example else []
    lines += ["## Why", "", guide.why, ""]
    lines += [f"Expected of the change: {guide.effect}", ""] if guide.effect else []
    return "\n".join([*lines, "## When not", "", guide.when_not]) + "\n"


def _lines(rule: Rule) -> Iterator[str]:
    yield f"# {rule.title}"
    yield ""
    yield f"Rule `{rule.id}`, severity {rule.severity}, for {_engines(rule)}."
    yield ""
    yield f"The examples are in the dialect of {rule.example.engine.label}."
    yield ""
    facts = [_known(table_name, rule) for table_name in rule.example.facts.tables]
    if any(facts):
        yield "It needs facts about the tables. For the examples these are known:"
        yield ""
        yield from (f"- {fact}" for fact in facts if fact)
        yield ""
    yield "## Bad"
    yield ""
    yield from _block(rule.example.bad)
    yield "## Good"
    yield ""
    yield from _block(rule.example.good)
    yield "## Why"
    yield ""
    yield rule.why[None]
    yield ""
    own = [f"- {engine.label}: {rule.why[engine]}" for engine in Engine if engine in rule.why]
    yield from [*own, ""] if own else ()
    if rule.effect:
        yield f"Expected of the change: {rule.effect}"
        yield ""
    yield "## When not"
    yield ""
    yield rule.when_not


def _known(name: str, rule: Rule) -> str:
    known = rule.example.facts.tables[name]
    told = [size(known)]
    if known.partition_columns:
        told.append(f"{name} is partitioned by {', '.join(known.partition_columns)}.")
    if known.clustered_by:
        told.append(f"{name} is clustered by {', '.join(known.clustered_by)}.")
    told += [f"{name} is unique by {', '.join(sorted(key))}." for key in known.keys]
    for column, of in list(known.columns.items())[:3]:
        share = f"one value of it holds {of.most_common_share:.1%} of the rows" if of.most_common_share else ""
        distinct = f"it has {of.distinct:,} different values" if of.distinct else ""
        said = "; ".join(part for part in (of.type, share, distinct) if part)
        told += [f"{name}.{column}: {said}."] if said else []
    width = len(known.columns)
    told += [f"{name} has {width} columns."] if width > 3 else []
    return " ".join(part for part in told if part)


def _engines(rule: Rule) -> str:
    if rule.engines == ALL:
        return "all engines"
    return ", ".join(engine.label for engine in Engine if engine in rule.engines)


def _block(sql: str) -> Iterator[str]:
    yield "```sql"
    yield sql if len(sql) < 1000 else f"{sql[:MAX_LINE]} … {sql[-12:]}"
    yield "```"
    yield ""


def _index() -> str:
    lines = [
        "# What `dataeng analyze` looks for",
        "",
        f"{len(RULES)} rules about SQL. Rules that need facts about tables stay silent where nothing is known of them.",
    ]
    for family, rules in FAMILIES.items():
        lines += ["", f"## {family}", "", "| rule | what it is | severity | engines |", "|---|---|---|---|"]
        for rule in rules:
            lines.append(f"| [{rule.id}]({rule.id}.md) | {rule.title} | {rule.severity} | {_engines(rule)} |")
    for family, guides in GUIDES.items():
        lines += ["", f"## {family}", "", "| rule | what it is | severity |", "|---|---|---|"]
        lines += [f"| [{guide.id}]({guide.id}.md) | {guide.title} | {guide.severity} |" for guide in guides]
    return "\n".join(lines) + "\n"
