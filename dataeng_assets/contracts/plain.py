"""Reading a YAML or JSON document into plain values: safely, with the line of every place."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Never

import yaml

from dataeng_assets.contracts.errors import ContractError

Place = tuple[str | int, ...]
LARGEST_BYTES = 16 * 2**20
DEEPEST = 100
_HALF = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Plain:
    """What a document says, before anybody judges what it means.

    Attributes:
        path: the file.
        data: mappings, lists, texts, numbers, dates, booleans and None.
        lines: the line of each place, counted from 1; empty when it came from no file.
    """

    path: Path
    data: Any
    lines: Mapping[Place, int]

    def error(self, place: Place, found: object, allowed: str) -> ContractError:
        """The error to raise for what stands at a place; an absent place is shown at the line of its parent."""
        shown = "nothing" if found is None else found if isinstance(found, str) else repr(found)
        return ContractError(self.path, written(place), shown, allowed, self.line(place))

    def line(self, place: Place) -> int | None:
        """The line of a place, or of the nearest one around it."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place)

    def at(self, place: Place) -> str:
        """`file:line`, or the path in the document where no line is known."""
        line = self.line(place)
        return f"{self.path}:{line}" if line else written(place) or str(self.path)


def read_plain(path: Path, expected: str, text: str | None = None) -> Plain:
    """Read a document: JSON when it begins like it, else YAML.

    Args:
        path: the file.
        expected: what should stand there, in words.
        text: what stands in it, where that is not what the file holds now.

    Raises:
        ContractError: it is too large or too deep, is neither, repeats a key, or uses tags or aliases.
    """
    text = _read_text(path, expected) if text is None else text
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
        try:
            return _read_json(path, text.removeprefix("\ufeff"))
        except json.JSONDecodeError as broken:
            if path.suffix.lower() == ".json":
                raise ContractError(path, "", broken.msg, "JSON", broken.lineno) from None
    return _read_yaml(path, text, expected)


def written(place: Place) -> str:
    """`schema[0].properties[3].physicalType` for a place."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def _read_text(path: Path, expected: str) -> str:
    try:
        size = path.stat().st_size
        if size > LARGEST_BYTES:
            raise ContractError(path, "", f"{size:,} bytes", f"at most {LARGEST_BYTES:,} bytes")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as broken:
        raise ContractError(path, "", f"a byte that is not UTF-8 at {broken.start}", "text in UTF-8") from None
    except OSError as missing:
        raise ContractError(path, "", missing.strerror or "unreadable", f"a readable file: {expected}") from None


def each_once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a JSON document, for `json.loads`.

    Raises:
        ContractError: a key stands in it twice; JSON leaves open which one counts.
    """
    said = dict(pairs)
    if len(said) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ContractError(path, twice, "the same key a second time", "each key once")
    return said


def _read_json(path: Path, text: str) -> Plain:
    def refuse(found: str) -> Never:
        raise ContractError(path, "", found, "a number that JSON knows")

    try:
        data = json.loads(text, object_pairs_hook=partial(each_once, path), parse_constant=refuse)
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError) as broken:
        raise ContractError(path, "", _too_deep(broken), "plain JSON") from None
    if _depth(data) > DEEPEST:
        raise ContractError(path, "", f"more than {DEEPEST} levels of nesting", "a shallower document")
    return Plain(path, data, _lines_of_json(path, text))


def _depth(data: Any) -> int:
    level, depth = [data], 0
    while wholes := [part for part in level if isinstance(part, dict | list)]:
        level = [item for whole in wholes for item in (whole.values() if isinstance(whole, dict) else whole)]
        depth += 1
    return depth


def _lines_of_json(path: Path, text: str) -> Mapping[Place, int]:
    """JSON is YAML too, tabs and halves of characters aside; for what is not, places must do."""
    try:
        return _read_yaml(path, _HALF.sub(r"\\u0020", text.replace("\t", " ")), "").lines
    except ContractError:
        return {}


def _read_yaml(path: Path, text: str, expected: str) -> Plain:
    try:
        _refuse_depth(path, text)
        return _construct(path, text, expected)
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark
        raise ContractError(
            path, "", str(broken.problem), "plain YAML without tags", mark.line + 1 if mark else None
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as broken:
        raise ContractError(path, "", _too_deep(broken), "plain YAML in UTF-8") from None


def _construct(path: Path, text: str, expected: str) -> Plain:
    loader = _Loader(text)
    lines: dict[Place, int] = {}
    try:
        node = loader.get_single_node()
        if node is None:
            raise ContractError(path, "", "an empty file", expected)
        _index(path, node, (), lines, set())
        return Plain(path, loader.construct_document(node), lines)
    finally:
        loader.dispose()


def _too_deep(broken: Exception) -> str:
    return "nesting without end" if isinstance(broken, RecursionError) else str(broken)


def _refuse_depth(path: Path, text: str) -> None:
    """Nodes are composed by recursion, which would end the process; events are not."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            mark = event.start_mark
            line = mark.line + 1 if mark else None
            raise ContractError(path, "", f"more than {DEEPEST} levels of nesting", "a shallower document", line)


def _index(path: Path, node: yaml.Node, place: Place, lines: dict[Place, int], seen: set[int]) -> None:
    """Record each place's line; refuse repeated keys (YAML keeps the last) and aliases (they can grow without end)."""
    line = node.start_mark.line + 1
    lines.setdefault(place, line)
    if id(node) in seen and not isinstance(node, yaml.ScalarNode):
        raise ContractError(path, written(place), "an alias (*name)", "the text itself, written out", line)
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            _index(path, item, (*place, position), lines, seen)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            child = (*place, str(key.value))
            if child in lines:
                raise ContractError(
                    path, written(child), "the same key a second time", "each key once", key.start_mark.line + 1
                )
            lines[child] = key.start_mark.line + 1
            _index(path, value, child, lines, seen)


def plain_of(given: Path | Mapping[str, Any] | Plain, expected: str, wanted: Callable[[Any], bool]) -> Plain:
    """A document from a file, from values that are there already, or as it was read.

    Raises:
        ContractError: as `read_plain`; or it is not what is wanted.
    """
    if isinstance(given, Plain):
        plain = given
    elif isinstance(given, Path):
        plain = read_plain(given, expected)
    else:
        plain = Plain(Path("document"), given, {})
    if not wanted(plain.data):
        raise plain.error((), shortened(plain.data), expected)
    return plain


def shortened(value: object, longest: int = 120) -> str:
    """A value as JSON, cut to a length that fits a message."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
