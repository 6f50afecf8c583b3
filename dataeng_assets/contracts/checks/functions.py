"""What conditions need and DuckDB lacks: functions to register on a connection before a condition is used there."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.func import PythonUDFType

JSON_VALID = "dataeng_json_valid"


def register_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Register the functions that conditions of `predicates` may call."""
    connection.create_function(JSON_VALID, _json_valid, ["VARCHAR", "VARCHAR"], "BOOLEAN", type=PythonUDFType.ARROW)


def _json_valid(texts: Any, schemas: Any) -> Any:  # DuckDB evaluates annotations, and cannot these of Arrow
    found = [
        None if text is None else _validator(schema)(text)
        for text, schema in zip(texts.to_pylist(), schemas.to_pylist(), strict=True)
    ]
    return pa.array(found, pa.bool_())


@lru_cache(maxsize=64)
def _validator(schema: str) -> Callable[[str], bool]:
    from jsonschema import Draft202012Validator, ValidationError, validators

    def pattern(_: Any, wanted: str, instance: Any, __: Any) -> Any:
        """RE2 instead of Python's own, which some patterns keep busy for ever."""
        if isinstance(instance, str) and not pc.match_substring_regex(pa.array([instance]), wanted)[0].as_py():
            yield ValidationError("does not match")

    document = json.loads(schema)
    of_draft = validators.validator_for(document, default=Draft202012Validator)
    # the stubs leave out the types of extend
    validator = validators.extend(of_draft, {"pattern": pattern})(document)  # type: ignore[no-untyped-call]

    def is_valid(text: str) -> bool:
        try:
            value = json.loads(text)
        except ValueError:
            return False
        return bool(validator.is_valid(value))

    return is_valid
