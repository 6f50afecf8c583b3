"""Reading one ODCS 3 document: safely, with every key known and every error at its line. Meaning belongs in `load`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, get_args, get_origin

from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import BaseModel, ValidationError

from dataeng_assets.contracts.errors import ContractError, did_you_mean
from dataeng_assets.contracts.plain import Place, Plain, read_plain


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
        return Plain(self.path, None, self.lines).error(place, found, allowed)

    def at(self, place: Place) -> str:
        """`file:line` of a place."""
        return Plain(self.path, None, self.lines).at(place)


def read_document(path: Path, text: str | None = None) -> Document:
    """Read a document without judging what it means.

    Args:
        path: the file; names the document in messages.
        text: what stands in it, where that is not what the file holds now, such as an earlier version.

    Raises:
        ContractError: it is neither YAML nor JSON, repeats a key, uses tags or aliases, or has a key or value that
            ODCS 3 lacks.
    """
    return document_of(read_plain(path, "an ODCS 3 document", text))


def document_of(plain: Plain) -> Document:
    """A document that was read already, in YAML or JSON.

    Raises:
        ContractError: it has a key or value that ODCS 3 lacks.
    """
    data = _as_in_json(plain.data)
    if not isinstance(data, dict):
        raise plain.error((), data, "an ODCS 3 document: a mapping with apiVersion, kind, id, schema …")
    try:
        _refuse_unknown_keys(plain, OpenDataContractStandard, data, ())
        odcs = OpenDataContractStandard.model_validate(data)
    except ValidationError as invalid:
        problem = invalid.errors()[0]
        place = _place_in(data, problem["loc"])
        raise plain.error(place, problem["input"], problem["msg"].removeprefix("Input should be ")) from None
    return Document(plain.path, odcs, plain.lines)


def _as_in_json(data: Any) -> Any:
    """Dates as texts: ODCS writes them as such, and YAML alone would make something else of them."""
    if isinstance(data, dict):
        return {key: _as_in_json(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_as_in_json(value) for value in data]
    return data.isoformat() if isinstance(data, date) else data


def _refuse_unknown_keys(plain: Plain, model: type[BaseModel], data: Mapping[Any, Any], place: Place) -> None:
    """The standard's model forbids unknown keys at the top only; below it would drop `requird: true` without a word."""
    fields = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    for key, value in data.items():
        child = (*place, str(key))
        if key not in fields:
            names = sorted(fields)
            raise plain.error(child, f"an unknown key {key!r}", f"{', '.join(names)}{did_you_mean(str(key), names)}")
        one, many = _models(fields[key])
        if isinstance(value, dict) and one:
            _refuse_unknown_keys(plain, one, value, child)
        elif isinstance(value, list) and many:
            for position, item in enumerate(value):
                if isinstance(item, dict):
                    _refuse_unknown_keys(plain, many, item, (*child, position))


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
