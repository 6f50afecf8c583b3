"""The first page: every table in a line, what needs attention at the top."""

from collections.abc import Sequence
from datetime import datetime

from dataeng_assets.quality.report.names import page_of
from dataeng_assets.quality.report.plot import sparkline
from dataeng_assets.quality.report.shell import page
from dataeng_assets.quality.report.story import DAYS, Known, Story, ago, hours_old, share_held
from dataeng_assets.quality.results import WORST_FIRST
from dataeng_assets.quality.written.markup import Html, code, data, element, join
from dataeng_assets.quality.written.parts import Cell, badge, data_table
from dataeng_assets.quality.written.words import number

_FEW = 10
_HEAD: list[Cell] = [
    "Table",
    "Result",
    ("Failing", "number"),
    ("Rows", "number"),
    "Newest row",
    "Rows over time",
    f"Held, {DAYS} days",
    "Owner",
    "Judged",
]


def overview(stories: Sequence[Story], unjudged: Sequence[tuple[str, Known]], *, made_at: datetime) -> str:
    """The page.

    Args:
        stories: of every table that was judged.
        unjudged: tables of the platform that were never judged.
        made_at: when the site is made; ages are told at this moment.
    """
    ordered = sorted(stories, key=lambda one: (WORST_FIRST.index(one.overall), one.key))
    parts: list[Html] = [_counts(stories, len(unjudged))]
    if ordered:
        rows = [_row(one, f"spark{at}", made_at) for at, one in enumerate(ordered)]
        parts.append(data_table("Tables, what needs attention first", _HEAD, rows))
    else:
        parts.append(element("p", "Nothing was judged yet. Begin with ", code("dataeng validate"), "."))
    if unjudged:
        parts.append(element("h2", "Not judged yet"))
        parts.append(element("p", f"No result of the last {DAYS} days is known of these. That is not a pass."))
        rows = [[code(key), data(known.group), data(known.owner)] for key, known in unjudged]
        listed = data_table("Tables without a result", ["Table", "Group", "Owner"], rows)
        names = f"Show {'it' if len(rows) == 1 else f'all {len(rows)}'}"
        parts.append(element("details", element("summary", names), listed, open=len(rows) <= _FEW))
    header = element("div", element("h1", "Data quality"), *_worst(stories), class_="title")
    return page("Data quality", header, *parts, made_at=made_at)


def _worst(stories: Sequence[Story]) -> list[Html]:
    found = {story.overall for story in stories}
    return [badge(next(overall for overall in WORST_FIRST if overall in found))] if found else []


def _counts(stories: Sequence[Story], unjudged: int) -> Html:
    found = [story.overall for story in stories]
    told = [(number(found.count(overall)), badge(overall)) for overall in WORST_FIRST if overall in found]
    items = [(number(len(stories)), Html("tables judged")), *told]
    items += [(number(unjudged), Html("not judged yet"))] if unjudged else []
    return element("ul", *(element("li", element("strong", count), what) for count, what in items), class_="counts")


def _row(story: Story, identity: str, made_at: datetime) -> list[Cell]:
    newest, old = story.newest, hours_old(story, made_at)
    held, judged = share_held(day.quality for day in story.days)
    rows = next((one for one in story.trends if one.metric == "row_count" and not one.column), None)
    moved = rows is not None and len(rows.points) > 1
    line = sparkline([value for _, value in rows.points], f"Rows of {story.key}", identity) if rows and moved else ""
    unusual = sum(one.is_unusual for one in story.trends)
    return [
        element("a", code(story.key), href=page_of(story.key)),
        badge(story.overall),
        (f"{number(story.failing)} of {number(len(newest.rules))}", "number"),
        (number(newest.rows), "number"),
        (ago(old), "whole"),
        join(line, element("span", f"{unusual} unusual", class_="small soft") if unusual else ""),
        (f"{held} of {judged} {'day' if judged == 1 else 'days'}" if judged else "not judged", "whole"),
        (data(story.owner or "not named"), "owner"),
        (ago((made_at - newest.judged_at).total_seconds() / 3600), "whole"),
    ]
