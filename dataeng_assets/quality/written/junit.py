"""JUnit XML, which every CI shows: a suite per table, a case per rule.

A violation is a failure, an undecided rule an error, nothing to judge is skipped, and a warning passes and is told.
"""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from dataeng_assets.contracts.checks.words import kind_of
from dataeng_assets.quality.results import RuleResult, TableResult
from dataeng_assets.quality.written.words import (
    Outcome,
    empty_input,
    from_root,
    iso,
    numbers,
    outcome,
    visible,
)

_ELEMENTS = {Outcome.VIOLATED: "failure", Outcome.UNDECIDED: "error", Outcome.NOTHING: "skipped"}


def junit(results: Sequence[TableResult]) -> str:
    """The results as JUnit XML; characters that XML forbids are written out."""
    root = ET.Element("testsuites", name="dataeng validate")
    for result in results:
        root.append(_suite(result))
    _count(root)
    root.set("time", f"{sum(result.seconds for result in results):.3f}")
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(result: TableResult) -> ET.Element:
    name = visible(result.suite.name)
    suite = ET.Element("testsuite", name=name, timestamp=iso(result.judged_at).removesuffix("Z"))
    properties = ET.SubElement(suite, "properties")
    told = {
        "overall_status": result.overall.value,
        "rows": str(result.rows),
        "input": result.input,
        "data_version": result.data_version,
        "contract": f"{result.suite.id or result.suite.name} {result.suite.version}".strip(),
    }
    for key, value in told.items():
        ET.SubElement(properties, "property", name=key, value=visible(value))
    if empty_input(result):
        case = ET.SubElement(suite, "testcase", classname=name, name="the input has rows")
        ET.SubElement(case, "error", type="undecided", message=empty_input(result))
    for one in result.results:
        suite.append(_case(name, one))
    for said in result.not_executed:
        case = ET.SubElement(suite, "testcase", classname=name, name=f"not executed: {visible(from_root(said.place))}")
        ET.SubElement(case, "skipped", message=visible(f"{said.said}: {said.reason}"))
    _count(suite)
    suite.set("time", f"{result.seconds:.3f}")
    return suite


def _case(table: str, result: RuleResult) -> ET.Element:
    case = ET.Element("testcase", classname=table, name=visible(result.rule.name))
    file, line = _file_and_line(from_root(result.rule.place))
    if file:
        case.set("file", visible(file))
    if line:
        case.set("line", line)
    found = outcome(result)
    element = _ELEMENTS.get(found)
    message = visible(result.reason) or found.value
    if element == "skipped":
        ET.SubElement(case, element, message=message)
    elif element:
        ET.SubElement(case, element, type=kind_of(result.rule.check), message=message).text = _details(result)
    elif found is Outcome.WARNING:
        ET.SubElement(case, "system-out").text = f"warning: {message}\n{_details(result)}"
    return case


def _details(result: RuleResult) -> str:
    lines = [f"{name}: {visible(value)}" for name, value in numbers(result)]
    for sample in result.samples:
        cells = {**sample.identity, **sample.values}
        lines.append("row: " + ", ".join(f"{visible(name)}={_value(value)}" for name, value in cells.items()))
    if result.next_step:
        lines.append(f"next: {visible(result.next_step)}")
    return "\n".join(lines)


def _value(value: str | None) -> str:
    return "NULL" if value is None else visible(value)


def _file_and_line(place: str) -> tuple[str, str]:
    file, _, line = place.rpartition(":")
    return (file, line) if file and line.isdecimal() else ("", "")


def _count(element: ET.Element) -> None:
    element.set("tests", str(len(element.findall(".//testcase"))))
    for attribute, name in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(len(element.findall(f".//{name}"))))
