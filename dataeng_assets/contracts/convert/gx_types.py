"""The names of types in Great Expectations, which are those of pandas, NumPy, SQLAlchemy and Spark."""

import re

from dataeng_assets.contracts.checks.kinds import OfType

_LOGICAL = {
    "string": "str object_ object string category stringtype varchartype char varchar nvarchar text string_ unicode",
    "integer": "int integer integertype longtype shorttype bytetype uint integer_",
    "number": "float number numeric decimal doubletype floattype decimaltype double_precision real double",
    "boolean": "bool boolean booleantype bool_",
    "date": "date datetype",
    "timestamp": "datetime timestamp timestamptype datetime64 timestamp_ntz timestampntztype",
    "time": "time timedelta",
    "array": "list array arraytype",
    "object": "dict map maptype struct structtype json jsonb",
}
_BY_NAME = {name: logical for logical, names in _LOGICAL.items() for name in names.split()}
_PHYSICAL = {
    "int8": "tinyint", "int16": "smallint", "int32": "integer", "int64": "bigint", "float32": "real",
    "float64": "double precision", "smallint": "smallint", "bigint": "bigint", "smallinteger": "smallint",
    "biginteger": "bigint", "longtype": "bigint", "shorttype": "smallint", "integertype": "integer",
    "doubletype": "double precision", "floattype": "real", "double_precision": "double precision", "real": "real",
}  # fmt: skip


def of_type(column: str, name: str) -> OfType | None:
    """What a type's name demands of a column; None when nobody here knows it."""
    text = re.sub(r"^(np|numpy|pd|sa|sqlalchemy)\.|\(\)$", "", name.strip())
    lower = re.sub(r"\[(ns|us|ms|s)(,.*)?\]$", "", text.lower())
    numeric = re.fullmatch(r"(?:numeric|decimal|decimaltype)\((\d+),\s*(\d+)\)", lower)
    if numeric:
        return OfType(column, "number", f"numeric({numeric[1]},{numeric[2]})")
    if lower in _PHYSICAL:
        physical = _PHYSICAL[lower]
        return OfType(column, "number" if physical in ("real", "double precision") else "integer", physical)
    length = re.fullmatch(r"(?:n?varchar|char|varchartype|string)\((\d+)\)", lower)
    if length:
        return OfType(column, "string", f"character varying({length[1]})")
    return OfType(column, _BY_NAME[lower]) if lower in _BY_NAME else None


def of_types(column: str, names: list[str]) -> OfType | None:
    """What a list of types allows, when all of them are one type in the words of ODCS."""
    found = [of_type(column, name) for name in names]
    logical = {one.logical for one in found if one}
    if None in found or not logical or (len(logical) > 1 and logical != {"integer", "number"}):
        return None
    physical = {one.physical for one in found if one}
    return OfType(
        column, "number" if len(logical) > 1 else logical.pop(), physical.pop() if len(physical) == 1 else None
    )
