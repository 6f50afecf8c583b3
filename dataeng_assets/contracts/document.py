"""Reading one ODCS 3 document: safely, with every key known and every error at its line. Meaning belongs in `load`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import BaseModel, ValidationError

from dataeng_assets.contracts.errors import ContractError, did_you_mean

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A document that is well-formed ODCS.

    Attributes:
        path: the file.
        odcs: what it says, as the standard's own model.
        lines: the line of each place, counted from 1.
    """

    path: Path
    odcs: OpenDataContractStandard
    lines: Mapping[Place, int]

    def error(self, place: Place, found: object, allowed: str) -> ContractError:
        """The error to raise for what stands at a place; an absent place is shown at the line of its parent."""
        return _error(self.path, self.lines, place, found, allowed)


def read_document(path: Path, text: str | None = None) -> Document:
    """Read a document without judging what it means.

    Args:
        path: the file; names the document in messages.
        text: what stands in it, where that is not what the file holds now, such as an earlier version.

    Raises:
        ContractError: it is no YAML, repeats a key, uses tags or aliases, or has a key or value that ODCS 3 lacks.
    """
    data, lines = _read_yaml(path, _read_text(path) if text is None else text)
    if not isinstance(data, dict):
        raise _error(path, lines, (), data, "an ODCS 3 document: a mapping with apiVersion, kind, id, schema …")
    try:
        _refuse_unknown_keys(path, lines, OpenDataContractStandard, data, ())
        odcs = OpenDataContractStandard.model_validate(data)
    except ValidationError as invalid:
        problem = invalid.errors()[0]
        place = _place_in(data, problem["loc"])
        raise _error(path, lines, place, problem["input"], problem["msg"].removeprefix("Input should be ")) from None
    return Document(path, odcs, lines)


def _read_yaml(path: Path, text: str) -> tuple[Any, dict[Place, int]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    lines: dict[Place, int] = {}
    try:
        node = loader.get_single_node()
        if node is None:
            raise ContractError(path, "", "an empty file", "an ODCS 3 document")
        _index(path, node, (), lines, set())
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark
        raise ContractError(
            path, "", str(broken.problem), "plain YAML without tags", mark.line + 1 if mark else None
        ) from None
    except (yaml.YAMLError, ValueError) as broken:
        raise ContractError(path, "", str(broken), "plain YAML in UTF-8") from None
    finally:
        loader.dispose()


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as broken:
        raise ContractError(path, "", f"a byte that is not UTF-8 at {broken.start}", "YAML in UTF-8") from None
    except OSError as missing:
        raise ContractError(path, "", missing.strerror or "unreadable", "a readable ODCS 3 document") from None


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


def _refuse_unknown_keys(
    path: Path, lines: Mapping[Place, int], model: type[BaseModel], data: Mapping[Any, Any], place: Place
) -> None:
    """The standard's model forbids unknown keys at the top only; below it would drop `requird: true` without a word."""
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    for key, value in data.items():
        child = (*place, str(key))
        if key not in fields:
            names = sorted(fields)
            raise _error(
                path, lines, child, f"an unknown key {key!r}", f"{', '.join(names)}{did_you_mean(str(key), names)}"
            )
        one, many = _models(fields[key])
        if isinstance(value, dict) and one:
            _refuse_unknown_keys(path, lines, one, value, child)
        elif isinstance(value, list) and many:
            for position, item in enumerate(value):
                if isinstance(item, dict):
                    _refuse_unknown_keys(path, lines, many, item, (*child, position))


def _models(annotation: Any) -> tuple[type[BaseModel] | None, type[BaseModel] | None]:
    """The model of a field when it holds a mapping, and that of its items when it holds a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, None
    if get_origin(annotation) is list:
        return None, _models(get_args(annotation)[0])[0]
    one = many = None
    for part in get_args(annotation):
        found = _models(part)
        one, many = one or found[0], many or found[1]
    return one, many


def _place_in(data: Any, location: Sequence[str | int]) -> Place:
    """Pydantic's location without the names of union members, which are no keys of the document."""
    place: list[str | int] = []
    for part in location:
        is_key = isinstance(data, dict) and part in data
        if is_key or (isinstance(data, list) and isinstance(part, int) and part < len(data)):
            data = data[part]
            place.append(part)
    return tuple(place)


def _error(path: Path, lines: Mapping[Place, int], place: Place, found: object, allowed: str) -> ContractError:
    nearest = place
    while nearest not in lines and nearest:
        nearest = nearest[:-1]
    shown = "nothing" if found is None else found if isinstance(found, str) else repr(found)
    return ContractError(path, written(place), shown, allowed, lines.get(nearest))


def written(place: Place) -> str:
    """`schema[0].properties[3].physicalType` for a place."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")
