"""The members of a JSON object as exact Python values: integers whole, other numbers as decimals, no key twice."""

import json
from decimal import Decimal
from typing import Any

from dataeng_assets.streams.decode.document import Unreadable, read_document


def members(document: bytes) -> dict[str, Any]:
    """The members.

    Raises:
        Unreadable: it is no JSON object, as `read_document` says, or has a number beyond measure.
    """
    return {name: _exact(field.text) for name, field in read_document(document).items()}


def _exact(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, object_pairs_hook=_object)
    except (ValueError, ArithmeticError):
        raise Unreadable("not_json", "a number has more digits than any type holds") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("duplicate_key", "a key occurs more than once; readers disagree on which one counts")
    return found
