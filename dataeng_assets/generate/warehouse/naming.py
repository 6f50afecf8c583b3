"""Names and literals in each destination's SQL. What the statements say belongs in `statements`."""

import re

PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_BACKTICKS = frozenset(("bigquery", "databricks"))
_ESCAPING = frozenset(("bigquery", "databricks", "redshift", "snowflake"))
# Snowflake's words that cannot be a column's or table's name without quotes
_RESERVED = frozenset(
    (
        "account", "all", "alter", "and", "any", "as", "between", "by", "case", "cast", "check", "column", "connect",
        "connection", "constraint", "create", "cross", "current", "current_date", "current_time", "current_timestamp",
        "current_user", "database", "delete", "distinct", "drop", "else", "exists", "false", "following", "for", "from",
        "full", "grant", "group", "gscluster", "having", "ilike", "in", "increment", "inner", "insert", "intersect",
        "into", "is", "issue", "join", "lateral", "left", "like", "localtime", "localtimestamp", "minus", "natural",
        "not", "null", "of", "on", "or", "order", "organization", "qualify", "regexp", "revoke", "right", "rlike",
        "row", "rows", "sample", "schema", "select", "set", "some", "start", "table", "tablesample", "then", "to",
        "trigger", "true", "try_cast", "union", "unique", "update", "using", "values", "view", "when", "whenever",
        "where", "with",
    )
)  # fmt: skip


def quoted(name: str, destination: str) -> str:
    """An identifier.

    Snowflake stores names without quotes in capitals, and everybody writes them without; so a name that needs quotes
    there is given in capitals too, and a plain one stays as it is.
    """
    if destination in _BACKTICKS:
        return "`" + name.replace("`", "\\`" if destination == "bigquery" else "``") + "`"
    if destination == "snowflake":
        if PLAIN.fullmatch(name) and name not in _RESERVED:
            return name
        name = name.upper()
    return '"' + name.replace('"', '""') + '"'


def literal(text: str, destination: str) -> str:
    """A text literal; some systems read a backslash as the beginning of an escape, and one does not double quotes."""
    if destination in _ESCAPING:
        text = text.replace("\\", "\\\\")
    return "'" + text.replace("'", "\\'" if destination in ("bigquery", "databricks") else "''") + "'"
