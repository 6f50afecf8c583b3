"""A field of a JSON event in ksqlDB's SQL: its value, and why it does not keep the contract.

`JSON_RECORDS` gives each field as it was written, `"7"` or `7`, by which the type is judged; EXTRACTJSONFIELD casts in
silence. A function that fails makes the whole expression NULL, and what is NULL is no valid event.
"""

import json
import re

from dataeng_assets.generate.render import sql_text
from dataeng_assets.generate.streaming.events import Field
from dataeng_assets.generate.streaming.written import written_pattern

_MOMENT = "yyyy-MM-dd HH:mm:ss"


def reason_sql(field: Field) -> str:
    """`WHEN` branches that tell why the field does not keep the contract; empty where nothing is demanded of it."""
    branches = []
    missing = f"({_written(field)} IS NULL OR {_written(field)} = 'null')"
    if field.from_record:
        missing = f"{'ROWTIME' if field.from_record == 'timestamp' else 'record_key'} IS NULL"
    if not field.nullable:
        branches.append(f"WHEN {missing} THEN {sql_text(f'missing: {field.name}')}")
    if not field.from_record:
        branches.append(
            f"WHEN NOT {missing} AND NOT ({_fits(field)}) THEN {sql_text(f'type: {field.name} is no {field.kind}')}"
        )
        if field.values:
            accepted = ", ".join(sql_text(json.dumps(one, ensure_ascii=False)) for one in field.values)
            reason = sql_text(f"values: {field.name} is none of the contract's")
            branches.append(f"WHEN NOT {missing} AND NOT ({_written(field)} IN ({accepted})) THEN {reason}")
    return "\n        ".join(branches)


def milliseconds_sql(field: Field) -> str:
    """When an event happened, in milliseconds since 1970; NULL where that cannot be read."""
    return "ROWTIME" if field.from_record == "timestamp" else f"UNIX_TIMESTAMP({_moment(field)})"


def text_sql(field: Field) -> str:
    """The value of a field of text."""
    if field.from_record:
        return "record_key"
    plain = re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", field.name)
    return f"EXTRACTJSONFIELD(record_value, {sql_text(f'$.{field.name}' if plain else f'$[{json.dumps(field.name)}]')})"


def _fits(field: Field) -> str:
    """Whether what was written is of the type; a number out of range fails, and so the event is not valid."""
    fits = f"REGEXP_EXTRACT({sql_text(f'^{written_pattern(field.kind)}$')}, {_written(field)}) IS NOT NULL"
    if field.kind == "bigint":
        return f"{fits} AND CAST({_written(field)} AS BIGINT) IS NOT NULL"
    if field.kind == "timestamp":
        # the parser makes 28 February of the 31st, so what it read is compared with what was written
        return f"{fits} AND FORMAT_TIMESTAMP({_moment(field)}, '{_MOMENT}', 'UTC') = {_to_the_second(field)}"
    if field.kind == "date":
        day = f"SUBSTRING({_written(field)}, 2, 10)"
        return f"{fits} AND FORMAT_DATE(PARSE_DATE({day}, 'yyyy-MM-dd'), 'yyyy-MM-dd') = {day}"
    return fits


def _moment(field: Field) -> str:
    """A time as ksqlDB has it, in milliseconds."""
    fraction = f"RPAD(COALESCE(REGEXP_EXTRACT('\\.(\\d{{1,3}})', {_written(field)}, 1), '0'), 3, '0')"
    return f"PARSE_TIMESTAMP(CONCAT({_to_the_second(field)}, '.', {fraction}), '{_MOMENT}.SSS', 'UTC')"


def _to_the_second(field: Field) -> str:
    return f"REPLACE(SUBSTRING({_written(field)}, 2, 19), 'T', ' ')"


def _written(field: Field) -> str:
    return f"JSON_RECORDS(record_value)[{sql_text(field.name)}]"
