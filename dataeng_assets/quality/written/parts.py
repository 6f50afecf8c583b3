"""Parts of a page that show results: badges, facts, tables, a card for a rule that does not hold.

What is on which page belongs in `html_page` and in `report`, escaping in `markup`, looks in `style.css`.
"""

from collections.abc import Iterable, Sequence
from importlib.resources import files

from dataeng_assets.contracts.checks.rule import NotExecuted
from dataeng_assets.quality.results import Overall, Sample
from dataeng_assets.quality.written.markup import Html, code, data, element, join
from dataeng_assets.quality.written.view import RuleView
from dataeng_assets.quality.written.words import Outcome, from_root

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_SIGNS = {"holds": "✓", "violated": "✗", "warning": "!", "undecided": "?", "nothing": "○"}
Cell = str | tuple[str, str]
"""What stands in a cell of a table, and after it the class of the cell."""


def document(title: str, *, header: Html, main: Html, footer: Html, style: str = "", generator: str = "dataeng") -> str:
    """A whole page that needs nothing else: no script, no address, its style within it.

    Args:
        title: of the window.
        header: what introduces the page.
        main: what it is about; the skip link leads there.
        footer: where it comes from.
        style: rules beside those that every page has.
        generator: what made it.
    """
    css = files(__package__).joinpath("style.css").read_text(encoding="utf-8") + style
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="generator", content=generator),
        element("title", title),
        # style is no data of anyone's
        element("style", Html(css)),
    )
    skip = element("a", "Skip to the content", class_="skip", href="#content")
    body = element(
        "body",
        skip,
        element("header", header),
        element("main", main, id="content", tabindex="-1"),
        element("footer", footer),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def badge(found: Outcome | Overall) -> Html:
    """A word on a colour, with a sign before it."""
    kind = look(found)
    return element("span", element("span", f"{_SIGNS[kind]} ", aria_hidden="true"), found.value, class_=f"badge {kind}")


def look(found: Outcome | Overall) -> str:
    """The class of an outcome in the style sheet."""
    return "nothing" if found is Outcome.NOTHING else found.value


def facts(pairs: Iterable[tuple[str, str]], *, large: bool = False) -> Html:
    """Names and what they are, side by side."""
    kind = "large" if large else None
    told = (element("div", element("dt", name), element("dd", value, class_=kind)) for name, value in pairs)
    return element("dl", *told, class_="facts")


def data_table(caption: str, head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> Html:
    """A table that scrolls by itself where the page is too narrow; the first cell of a row names it."""
    made = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *(_cell("th", cell, "col") for cell in head))),
        element(
            "tbody",
            *(
                element("tr", _cell("th", row[0], "row"), *(_cell("td", cell, None) for cell in row[1:]))
                for row in rows
            ),
        ),
    )
    return element("div", made, class_="scroll", role="region", aria_label=caption, tabindex="0")


def _cell(name: str, cell: Cell, scope: str | None) -> Html:
    content, kind = cell if isinstance(cell, tuple) else (cell, None)
    return element(name, content, scope=scope, class_=kind)


def rule_card(rule: RuleView, *, level: int = 3) -> Html:
    """All that is known of a rule that does not hold: what was found, numbers, sample rows, next step."""
    name = element(f"h{level}", code(rule.name))
    parts = [element("div", name, badge(rule.outcome), class_="title")]
    if rule.reason:
        parts.append(element("p", rule.reason))
    if rule.description:
        parts.append(element("p", rule.description, class_="soft"))
    if rule.figures:
        parts.append(facts(rule.figures))
    if rule.samples:
        parts.append(samples_table(f"Rows that break {rule.name}", rule.samples))
    if rule.next_step:
        parts.append(element("p", rule.next_step, class_="next"))
    return element("article", *parts, class_=f"card {look(rule.outcome)}")


def samples_table(caption: str, samples: Sequence[Sample]) -> Html:
    """Rows as they were found, personal values masked before."""
    names = list(dict.fromkeys(name for one in samples for name in (*one.identity, *one.values)))
    rows = []
    for sample in samples:
        cells = {**sample.identity, **sample.values}
        rows.append([_value(cells.get(name)) for name in names])
    return data_table(caption, [code(name) for name in names], [row for row in rows if row])


def _value(value: str | None) -> Html:
    return element("span", "NULL", class_="missing") if value is None else code(value)


def rules_table(caption: str, rules: Sequence[RuleView]) -> Html:
    """Every rule in a line."""
    head: list[Cell] = ["Rule", "Result", "Kind", "Columns", ("Found", "number"), "Allowed"]
    rows: list[list[Cell]] = []
    for one in rules:
        columns = [part for column in one.columns for part in (", ", code(column))][1:]
        name, found = code(one.name), data(one.found)
        rows.append([name, badge(one.outcome), one.kind, join(*columns), (found, "number"), (one.allowed, "wide")])
    return data_table(caption, head, rows)


def not_executed_table(said: Sequence[NotExecuted]) -> Html:
    """What a document says and nobody checks."""
    rows = [[code(from_root(one.place)), data(one.said), data(one.reason)] for one in said]
    return data_table("Said by the contract, not checked", ["Place", "What it says", "Why it is not checked"], rows)
