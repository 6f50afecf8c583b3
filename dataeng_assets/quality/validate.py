"""Validating one input by one document: finding the suite, opening what its rules refer to, judging.

The engine is `scan`, reading documents belongs in `contracts.convert`, the rules of our own tables in `platform`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import duckdb

from dataeng_assets.contracts.checks.rule import Suite
from dataeng_assets.contracts.convert.detect import read_suites
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.quality.inputs.open import explain_failure, open_input
from dataeng_assets.quality.inputs.opened import Input
from dataeng_assets.quality.inputs.postgres_table import SCHEMES
from dataeng_assets.quality.others import Others
from dataeng_assets.quality.platform import current_rows, platform_key, platform_suite
from dataeng_assets.quality.results import TableResult
from dataeng_assets.quality.scan.judge import judge
from dataeng_assets.quality.scan.pushed import judge_postgres
from dataeng_assets.quality.selection import ALL, select


class SuiteUnknown(Exception):
    """It cannot be told which rules an input is to be judged by."""


def find_suite(schema: str, name: str) -> Suite:
    """The suite of a document that speaks about a table.

    Args:
        schema: the document's path; `path#table` where it speaks about several.
        name: of the input, looked for where no table is named.

    Raises:
        SuiteUnknown: it speaks about several tables, and none of that name.
        ContractError: it is broken.
    """
    path, _, wanted = schema.partition("#") if not Path(schema).exists() else (schema, "", "")
    suites = {suite.name: suite for suite in read_suites(Path(path))}
    if len(suites) == 1 and not wanted:
        return next(iter(suites.values()))
    if (wanted or name) not in suites:
        raise SuiteUnknown(
            f"{path} speaks about {', '.join(suites) or 'no table'}, not about {wanted or name!r}. Nothing was judged. "
            f"Say which: --schema {path}#TABLE{did_you_mean(wanted or name, list(suites))}"
        )
    return suites[wanted or name]


def validate(
    connection: duckdb.DuckDBPyConnection,
    where: str,
    suite: Suite,
    *,
    checks: Sequence[str] = (ALL,),
    references: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> TableResult:
    """Judge a file, folder, glob, Delta table, or table of a database.

    Args:
        connection: from `quality.connection.connect`.
        where: as `inputs.open.open_input` takes it.
        suite: what is demanded.
        checks: what to check, see `selection.select`.
        references: where other tables are that rules name.
        now: the moment that freshness is judged at.

    Raises:
        InputUnreadable: the input, or a table that a rule names.
        NothingToCheck: no rule is about what was asked for.
    """
    demanded = select(suite, checks)
    with Others(connection, references or {}) as other:
        if where.startswith(SCHEMES):
            return judge_postgres(connection, where, demanded, other=other.relation, now=now)
        with open_input(where, connection) as opened:
            return _judged(connection, opened, demanded, other, now)


def validate_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    *,
    suite: Suite | None = None,
    checks: Sequence[str] = (ALL,),
    references: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> TableResult:
    """Judge a table of this platform, as it stands now; by its own contract or model where no suite is given.

    Of bronze the present rows are judged: the newest version of each key that was not deleted. Errors as in `validate`.
    """
    with open_input(name, connection, table=True) as opened, Others(connection, references or {}) as other:
        key = platform_key(opened)
        demanded = suite or platform_suite(key)
        return _judged(connection, current_rows(opened, key, demanded), select(demanded, checks), other, now)


def _judged(
    connection: duckdb.DuckDBPyConnection, opened: Input, suite: Suite, other: Others, now: datetime | None
) -> TableResult:
    try:
        return judge(connection, opened, suite, other=other.relation, now=now)
    except duckdb.Error as error:
        raise explain_failure(error, opened) from error
