"""A page about one table: what is wrong, how it was over time, its contract, where it comes from, and who cares."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from dataeng_assets.quality.report.lineage import lineage
from dataeng_assets.quality.report.plot import day_grid, legend, trend_plot, usual_range
from dataeng_assets.quality.report.shell import page
from dataeng_assets.quality.report.story import DAYS, DayState, Known, Story, ago, hours_old, share_held
from dataeng_assets.quality.report.trends import most_telling
from dataeng_assets.quality.results import share
from dataeng_assets.quality.results_store import JudgedColumn, Judgement
from dataeng_assets.quality.written.markup import Html, code, data, element, join
from dataeng_assets.quality.written.parts import (
    Cell,
    badge,
    data_table,
    facts,
    not_executed_table,
    rule_card,
    rules_table,
)
from dataeng_assets.quality.written.view import worst_first
from dataeng_assets.quality.written.words import NO_ROWS, Outcome, number, utc

_FEW, _MOST_JUDGEMENTS = 7, 50
_CALM = (Outcome.HOLDS, Outcome.NOTHING)


def table_page(story: Story, platform: Mapping[str, Known], judged: frozenset[str], *, made_at: datetime) -> str:
    """The page.

    Args:
        story: of the table.
        platform: what is known of all tables, for the lineage.
        judged: keys of the tables that have a page.
        made_at: when the site is made; ages are told at this moment.
    """
    sections = [
        ("attention", "Needs attention", _attention(story)),
        ("sla", f"The last {DAYS} days", _sla(story)),
        ("trends", "Trends", _trends(story)),
        ("rules", "Rules", _rules(story)),
        ("results", "Results over time", _over_time(story)),
        ("columns", "Columns", _columns(story)),
        ("lineage", "Lineage", lineage(story.key, platform, judged)),
        ("people", "People and promises", _people(story)),
        ("unchecked", "Said, not checked", _unchecked(story)),
    ]
    shown = [(identity, title, content) for identity, title, content in sections if content]
    parts = [
        element("section", element("h2", title), content, id=identity, aria_label=title)
        for identity, title, content in shown
    ]
    links = (element("li", element("a", title, href=f"#{identity}")) for identity, title, _ in shown)
    header = join(
        element("nav", element("a", "All tables", href="../index.html"), class_="trail", aria_label="Where you are"),
        element("div", element("h1", data(story.key)), badge(story.overall), class_="title"),
        element("p", story.newest.description or story.known.description),
        element("nav", element("ul", *links, class_="onpage"), aria_label="On this page"),
    )
    about = element("div", facts(_facts(story, made_at)), class_="card")
    return page(f"{story.key}: data quality", header, about, *parts, made_at=made_at)


def _facts(story: Story, made_at: datetime) -> list[tuple[str, str]]:
    newest = story.newest
    pairs = [
        ("Rows", number(newest.rows)),
        ("Newest row", ago(hours_old(story, made_at))),
        ("Judged", utc(newest.judged_at)),
        ("Contract", f"{newest.contract_id} {newest.contract_version}".strip()),
        ("Data version", newest.data_version or "not known"),
        ("Owner", story.owner or "not named"),
        ("Key", ", ".join(newest.key) or "none"),
        ("Read from", newest.input),
    ]
    if newest.partition:
        pairs.append(("Partition", newest.partition))
    return [(name, data(value)) for name, value in pairs]


def _attention(story: Story) -> Html:
    rules = [rule for rule in worst_first(story.newest.rules) if rule.outcome not in _CALM]
    parts = [rule_card(rule) for rule in rules]
    if not story.newest.rows:
        parts.insert(0, element("p", NO_ROWS))
    if story.open_partitions:
        parts.append(_open_partitions(story.open_partitions))
    return join(*parts)


def _open_partitions(partitions: Iterable[Judgement]) -> Html:
    rows: list[list[Cell]] = [
        [code(one.partition or "the whole table"), badge(one.overall), _failing(one), utc(one.judged_at)]
        for one in partitions
    ]
    return data_table(
        "Other partitions that did not hold when last judged", ["Partition", "Result", "Rules", "Judged"], rows
    )


def _failing(judgement: Judgement) -> Html:
    names = [code(rule.name) for rule in judgement.rules if rule.outcome not in _CALM]
    return join(*[part for name in names for part in (", ", name)][1:]) if names else Html("none")


def _sla(story: Story) -> Html:
    promises = [
        ("Quality", "no rule was violated or undecided", [day.quality for day in story.days]),
        ("Freshness", "the newest row was as young as promised", [day.freshness for day in story.days]),
    ]
    grids = []
    for name, meaning, states in promises:
        held, judged = share_held(states)
        if not judged:
            grids.append(element("figure", element("h3", name), element("p", "Not judged on any of these days.")))
            continue
        said = f"{held} of {judged} {'day' if judged == 1 else 'days'} ({share(held, judged)})"
        grid = day_grid(story.days, states, f"{name} of {story.key} by day", f"grid-{name.lower()}")
        caption = element("figcaption", f"Days from {story.days[0].day} to {story.days[-1].day} on which {meaning}.")
        grids.append(element("figure", element("h3", name), element("p", said, class_="share"), grid, caption))
    rows: list[list[Cell]] = [
        [str(day.day), day.quality.value, day.freshness.value]
        for day in story.days
        if {day.quality, day.freshness} != {DayState.NOT_JUDGED}
    ]
    table = data_table("By day, UTC", ["Day", "Quality", "Freshness"], rows)
    days = element("details", element("summary", "Day by day"), table)
    return join(element("div", element("div", *grids, class_="sla"), class_="card"), days)


def _trends(story: Story) -> Html:
    told = most_telling(story.trends)
    if not told:
        return element("p", "Nothing was measured twice yet.") if story.trends else Html("")
    figures = []
    for at, one in enumerate(told):
        said = one.sentence or usual_range(one)
        unusual = element("span", "! unusual", class_="badge warning") if one.is_unusual else ""
        caption = element("figcaption", element("div", element("strong", one.name), unusual, class_="title"), said)
        kind = "card warning" if one.is_unusual else "card"
        figures.append(element("figure", caption, trend_plot(one, f"trend{at}"), class_=kind))
    left = len(story.trends) - len(told)
    rest = f" {left} further series did not move." if left else ""
    return join(element("div", *figures, class_="plots"), element("p", legend(), ".", rest, class_="soft small"))


def _rules(story: Story) -> Html:
    rules = worst_first(story.newest.rules)
    if not rules:
        return element("p", "The contract has no rule, so nothing was judged.")
    version = story.newest.contract_version
    return rules_table(
        f"Rules of contract version {version}" if version else "Rules, what needs attention first", rules
    )


def _over_time(story: Story) -> Html:
    shown = story.judgements[: -_MOST_JUDGEMENTS - 1 : -1]
    newest, older = shown[:_FEW], shown[_FEW:]
    left = len(story.judgements) - len(shown)
    first = _judgements("Newest first", newest)
    if not older:
        return first
    more = f"; {number(left)} still older ones are not shown" if left else ""
    return join(first, element("details", element("summary", "Older results"), _judgements(f"Older{more}", older)))


def _judgements(caption: str, judgements: Iterable[Judgement]) -> Html:
    head: list[Cell] = ["Judged", "Partition", "Result", "Did not hold", ("Rows", "number"), "Contract", "Data"]
    rows: list[list[Cell]] = [
        [
            join(utc(one.judged_at), element("span", " by hand", class_="soft small") if one.is_by_hand else ""),
            code(one.partition) if one.partition else "whole table",
            badge(one.overall),
            (_failing(one), "wide"),
            (number(one.rows), "number"),
            data(one.contract_version),
            data(one.data_version),
        ]
        for one in judgements
    ]
    return data_table(caption, head, rows)


def _columns(story: Story) -> Html:
    columns = story.newest.columns
    if not columns:
        return Html("")
    if not any(one.type for one in columns):
        # dbt's tests tell of rows, and nothing of how a column was found
        described: list[list[Cell]] = [
            [*_described(one, "not known"), (data(one.description), "wide")] for one in columns
        ]
        return data_table("Columns as they are described", ["Column", "Type", "May be empty", "What it is"], described)
    head: list[Cell] = ["Column", "Type", "May be empty", "Found as", ("Empty", "number"), "What it is"]
    rows: list[list[Cell]] = [
        [
            *_described(one, "not in the contract"),
            *_found(one, story.newest.rows),
            (data(one.description), "wide"),
        ]
        for one in columns
    ]
    return data_table("Columns of the contract, and as they were found", head, rows)


def _described(column: JudgedColumn, untyped: str) -> list[Cell]:
    personal = join(" ", element("span", "personal", class_="tag")) if column.personal else ""
    return [
        join(code(column.name), personal),
        data(column.contract_type or untyped),
        "yes" if column.nullable else "no",
    ]


def _found(column: JudgedColumn, rows: int) -> list[Cell]:
    share_empty = share(column.nulls, rows) if column.nulls is not None and rows else "no rows"
    empty = "no such column" if column.nulls is None else share_empty
    return [data(column.type or "not found"), (empty, "number")]


def _people(story: Story) -> Html:
    newest = story.newest
    consumers = []
    for one in newest.consumers:
        reads = f"reads {', '.join(one.columns)}" if one.columns else "reads all columns"
        contact = f", {one.contact}" if one.contact else ""
        consumers.append(element("li", element("strong", data(one.name)), ": ", data(f"{reads}{contact}")))
    known = element("ul", *consumers) if consumers else element("p", "The contract names none.")
    owner = element("p", data(story.owner or "The contract names none."))
    cards = [
        element("div", element("h3", "Owner"), owner, class_="card"),
        element("div", element("h3", "Consumers"), known, class_="card"),
    ]
    if newest.sla:
        promises = facts((name.replace("_", " "), data(value)) for name, value in newest.sla.items())
        cards.append(element("div", element("h3", "Promises"), promises, class_="card"))
    return element("div", *cards, class_="people")


def _unchecked(story: Story) -> Html:
    return not_executed_table(story.newest.not_executed) if story.newest.not_executed else Html("")
