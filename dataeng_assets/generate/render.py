"""From templates to texts: one Jinja environment in which a missing value is an error and names are quoted by filters.

A kind's templates lie in its folder, in `templates/`. Those that end in `.dbt.j2` write Jinja of dbt, which stands in
them as it is: their own signs are `[[ ]]` and `[% %]`.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dataeng_assets.contracts.yaml_text import yaml_text

_BACKTICKS = frozenset(("spark", "databricks", "bigquery", "flink", "ksql"))


def render(template: str, **values: Any) -> str:
    """The text of a template.

    Args:
        template: its path below this folder, such as `dagster/templates/README.md.j2`.
        values: what the template names.

    Raises:
        jinja2.UndefinedError: the template names something that was not given.
    """
    return _environment(template.endswith(".dbt.j2")).get_template(template).render(**values)


def sql_name(name: str, dialect: str) -> str:
    """A name in quotes, as a dialect of sqlglot's name writes it."""
    sign = "`" if dialect in _BACKTICKS else '"'
    return f"{sign}{name.replace(sign, sign * 2)}{sign}"


def sql_text(value: str) -> str:
    """A text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"


def python(value: Any) -> str:
    """A text, number, truth or list of them as Python writes it, with the quotes that formatters want."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        needs_fewer_escapes = value.count('"') > value.count("'")
        return "'" + text[1:-1].replace("'", r"\'").replace(r"\"", '"') + "'" if needs_fewer_escapes else text
    if isinstance(value, list | tuple):
        return "[" + ", ".join(python(one) for one in value) + "]"
    return repr(value)


def yaml(value: Any) -> str:
    """Plain values as YAML writes them; a text on one line."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else yaml_text(value).rstrip()


@cache
def _environment(for_dbt: bool) -> Environment:
    signs = ("[%", "%]", "[[", "]]", "[#", "#]") if for_dbt else ("{%", "%}", "{{", "}}", "{#", "#}")
    environment = Environment(
        *signs,
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # programs and SQL, no page of a browser
    )
    environment.filters |= {"sql_name": sql_name, "sql_text": sql_text, "py": python, "py_text": repr, "yaml": yaml}
    return environment
