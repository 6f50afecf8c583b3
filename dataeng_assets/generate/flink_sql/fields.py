"""A field of a JSON event in Flink's SQL: its value, and why it does not keep the contract.

Flink's JSON functions cast in silence: `"7"` and `7` are the same to JSON_VALUE. JSON_QUERY with a wrapper keeps what
was written, `["7"]` or `[7]`, by which the type is judged.
"""

from dataeng_assets.generate.render import sql_text
from dataeng_assets.generate.streaming.events import Field
from dataeng_assets.generate.streaming.sql_types import sql_type
from dataeng_assets.generate.streaming.written import written_pattern


def value_sql(field: Field) -> str:
    """The field's value in its type; NULL where it is missing or of another type."""
    if field.from_record == "timestamp":
        return "kafka_timestamp"
    text = "DECODE(record_key, 'UTF-8')" if field.from_record else _text(field)
    if field.kind == "json":
        return f"JSON_QUERY(text, {_path(field)})"
    if field.kind == "timestamp":
        text = f"REPLACE(REPLACE({text}, 'T', ' '), 'Z', '')"
        return f"CAST(TRY_CAST({text} AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3))"
    if field.kind in ("string", "uuid"):
        return text
    if field.kind == "bytes":
        return f"FROM_BASE64({text})"
    return f"TRY_CAST({text} AS {sql_type('flink', field.kind)})"


def reason_sql(field: Field) -> str:
    """`WHEN` branches that tell why the field does not keep the contract; empty where nothing is demanded of it."""
    branches = []
    written = f"JSON_QUERY(text, {_path(field)} WITH WRAPPER)"
    missing = f"({written} IS NULL OR {written} = '[null]')"
    if field.from_record:
        missing = f"{value_sql(field)} IS NULL"
    if not field.nullable:
        branches.append(f"WHEN {missing} THEN {sql_text(f'missing: {field.name}')}")
    if not field.from_record:
        pattern = rf"^\[{written_pattern(field.kind)}\]$"
        fits = f"REGEXP({written}, {sql_text(pattern)})"
        if field.kind not in ("string", "uuid", "json", "bytes"):
            fits += f" AND {value_sql(field)} IS NOT NULL"
        branches.append(
            f"WHEN NOT {missing} AND NOT ({fits}) THEN {sql_text(f'type: {field.name} is no {field.kind}')}"
        )
    if field.values:
        accepted = ", ".join(map(sql_text, field.values))
        reason = sql_text(f"values: {field.name} is none of the contract's")
        branches.append(f"WHEN {value_sql(field)} NOT IN ({accepted}) THEN {reason}")
    return "\n        ".join(branches)


def _text(field: Field) -> str:
    return f"JSON_VALUE(text, {_path(field)})"


def _path(field: Field) -> str:
    # the brackets take any name, and a quote in it is written twice
    return sql_text(f"$['{field.name}']" if "'" not in field.name else f'$["{field.name}"]')
