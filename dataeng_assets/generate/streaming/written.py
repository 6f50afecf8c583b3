"""What a value of each type looks like where JSON writes it, as a regular expression that Java and Python both read.

By it a type is judged in systems whose functions for JSON cast in silence. Which types there are stands in `sql_types`.
"""

from collections.abc import Mapping

_UUID = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PATTERNS: Mapping[str, str] = {
    "string": r'".*"',
    "uuid": rf'"{_UUID}"',
    "bigint": r"-?\d{1,19}",
    "double": r"-?\d+(\.\d+)?([eE][+-]?\d+)?",
    "boolean": r"(true|false)",
    "timestamp": r'"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?Z"',
    "date": r'"\d{4}-\d\d-\d\d"',
    "bytes": r'"[A-Za-z0-9+/]*={0,2}"',
    "json": r".*",
}


def written_pattern(kind: str) -> str:
    """The form of a value of a type, without the signs for the beginning and the end of a line.

    Args:
        kind: in the words of an event contract.
    """
    if not kind.startswith("decimal"):
        return _PATTERNS[kind]
    precision, scale = map(int, kind[len("decimal(") : -1].split(","))
    fraction = rf"(\.\d{{1,{scale}}})?" if scale else ""
    return rf'"?-?\d{{1,{max(precision - scale, 1)}}}{fraction}"?'
