"""Names and values of any text stay text in every format: nothing of them is read as markup, and all of it is shown."""

import json
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from quality_results import EVERY_KIND, FORMATS, NASTY, any_table, anything, table
from rich.console import Console
from seen import Seen

from dataeng_assets.contracts.checks.kinds import NotNull
from dataeng_assets.contracts.checks.rule import Rule, Suite
from dataeng_assets.quality.results import RuleResult, Sample, Status
from dataeng_assets.quality.written.markdown import escaped
from dataeng_assets.quality.written.table import rendered
from dataeng_assets.quality.written.words import visible

ALLOWED_IN_MARKDOWN = {
    "h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "br", "em", "details", "summary", "sub",
}  # fmt: skip


def with_text(text: str):
    """A table in which a text stands wherever it can."""
    result = RuleResult(
        Rule(NotNull(text), text, description=text, place=f"{text}:3"),
        Status.VIOLATED,
        text,
        9,
        1,
        {text: text},
        text,
        text,
        (Sample({text: text}, {"another column": text}),),
    )
    return table(result, suite=Suite(text, id=text, version=text, owner=text))


render = MarkdownIt("gfm-like", {"linkify": False, "html": True}).render
PLAIN_HTML = Seen(FORMATS["html"]([with_text("x")]))
PLAIN_MARKDOWN = Seen(render(FORMATS["markdown"]([with_text("x")])))


@given(any_table())
def test_any_table_is_well_formed_in_every_format(found):
    for name, write in FORMATS.items():
        written = write([found, found])
        written.encode("utf-8")
        if name in {"json", "sarif"}:
            json.loads(written, parse_constant=lambda constant: 1 / 0)
        if name == "junit":
            ET.fromstring(written)
        if name == "html":
            assert not Seen(written).open


@given(anything)
def test_text_is_read_back_from_json_as_it_was(text):
    report = json.loads(FORMATS["json"]([with_text(text)]))
    same = text.encode("utf-8", "replace").decode()
    assert (report["table"], report["contract"]["id"]) == (same, same)
    assert [sample["identity"] for one in report["checks"].values() for sample in one.get("samples", [])] == [
        {same: same}
    ]


@given(anything)
def test_text_is_read_back_from_xml_as_it_is_shown(text):
    root = ET.fromstring(FORMATS["junit"]([with_text(text)]))
    assert [suite.get("name") for suite in root.iter("testsuite")] == [visible(text)]
    assert len(list(root.iter("testcase"))) == 2


@given(anything)
def test_text_is_text_in_html(text):
    hostile = Seen(FORMATS["html"]([with_text(text)]))
    assert (hostile.tags, hostile.attributes) == (PLAIN_HTML.tags, PLAIN_HTML.attributes)
    assert not hostile.comments
    assert "script" not in hostile.tags
    assert sum(one == visible(text) for one in hostile.texts) >= 8


@given(anything)
def test_text_is_text_in_markdown(text):
    hostile = Seen(render(FORMATS["markdown"]([with_text(text)])))
    assert hostile.tags == PLAIN_MARKDOWN.tags
    assert set(hostile.tags) <= ALLOWED_IN_MARKDOWN
    assert not hostile.attributes
    shown = " ".join("".join(hostile.texts).split())
    assert shown.count(" ".join(visible(text).split())) >= 4


@given(anything)
def test_no_host_makes_a_link_or_calls_a_person(text):
    written = escaped(text)
    assert not set('<>[]`*|@#\\:~"\n') & set(written.replace("&#", ""))
    assert "www." not in written


@given(anything, st.integers(30, 200))
def test_the_terminal_shows_text_and_obeys_none_of_it(text, width):
    console = Console(width=width, force_terminal=True, color_system="standard", legacy_windows=False)
    with console.capture() as captured:
        console.print(rendered([with_text(text)], width=width))
    # rich's own colours are the only escapes
    rest = "".join(part.partition("m")[2] for part in ("m" + captured.get()).split("\x1b["))
    assert not {character for character in rest if character < " "} - {"\n"}
    assert "\u202e" not in rest


def test_markup_of_rich_is_text():
    written = FORMATS["table"]([with_text("[red]x[/red]")])
    assert written.count("[red]x[/red]") >= 5


def test_nothing_else_is_loaded_by_the_page():
    page = FORMATS["html"]([with_text("".join(NASTY)), table(*EVERY_KIND)])
    seen = Seen(page)
    assert not {"src", "srcset", "style", "onload", "onclick"} & seen.attributes
    assert "default-src &#x27;none&#x27;" in page
    assert "url(" not in page
    assert "@import" not in page
