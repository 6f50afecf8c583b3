"""One page of HTML that can be sent or stored as it is. A site with a page per table belongs in `report`."""

from collections.abc import Sequence

from dataeng_assets.quality.results import TableResult
from dataeng_assets.quality.written.markup import Html, code, data, element, join
from dataeng_assets.quality.written.parts import (
    badge,
    document,
    facts,
    not_executed_table,
    rule_card,
    rules_table,
)
from dataeng_assets.quality.written.view import view, worst_first
from dataeng_assets.quality.written.words import (
    Outcome,
    empty_input,
    hours_old,
    number,
    together,
    utc,
    visible,
)


def html_page(results: Sequence[TableResult]) -> str:
    """The results as one page without scripts and addresses."""
    names = ", ".join(visible(result.suite.name) for result in results[:3])
    more = f" and {len(results) - 3} more" if len(results) > 3 else ""
    header = element("div", element("h1", "Data quality"), badge(together(results)), class_="title")
    footer = element("p", "Written by ", code("dataeng validate"), ". Values of personal columns are masked.")
    sections = join(*(_section(result) for result in results)) if results else element("p", "No table was judged.")
    return document(f"Data quality: {names}{more}", header=header, main=sections, footer=footer)


def _section(result: TableResult) -> Html:
    suite = result.suite
    rules = worst_first(view(one) for one in result.results)
    parts = [
        element("div", element("h2", data(suite.name)), badge(result.overall), class_="title"),
        element("div", facts(_facts(result)), class_="card"),
    ]
    if empty_input(result):
        parts.append(element("p", empty_input(result)))
    parts += [rule_card(one) for one in rules if one.outcome is not Outcome.HOLDS]
    if rules:
        parts.append(rules_table(f"All rules of {suite.name}", rules))
    if result.not_executed:
        parts.append(not_executed_table(result.not_executed))
    return element("section", *parts, aria_label=suite.name)


def _facts(result: TableResult) -> list[tuple[str, str]]:
    old = hours_old(result)
    suite = result.suite
    pairs = [
        ("Rows", number(result.rows)),
        ("Columns", number(len(result.columns))),
        ("Newest row", "not known" if old is None else f"{number(round(old, 1))} h before"),
        ("Judged", utc(result.judged_at)),
        ("Input", result.input),
        ("Data version", result.data_version or "not known"),
        *([("Read", result.read)] if result.read else []),
        ("Contract", f"{suite.id or suite.name} {suite.version}".strip()),
        ("Owner", suite.owner or "not named"),
    ]
    return [(name, data(value)) for name, value in pairs]
