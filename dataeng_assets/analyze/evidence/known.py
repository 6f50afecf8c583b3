"""Facts that are at hand without asking a database: the lake's logs, or, of the sources themselves, the contracts."""

from collections.abc import Collection, Iterable

from deltalake.exceptions import DeltaError
from sqlglot import exp

from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.evidence.contracts import contract_facts
from dataeng_assets.analyze.evidence.lake import lake_facts
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.statement import statements
from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.lake.location import Lake, LakeRefused
from dataeng_assets.settings import ROOT, SettingMissing


def known_facts(texts: Iterable[str], engine: Engine) -> tuple[Facts, str]:
    """The facts of the tables in these texts.

    On Postgres the tables are those of the sources, of which the contracts speak. Elsewhere they are those of the lake:
    a contract's key does not hold there, where a row has a version for each change.

    Returns:
        The facts, and why there are none, in a sentence.
    """
    try:
        if engine is Engine.POSTGRES:
            return contract_facts(ROOT), ""
        wanted = {
            table.name.lower()
            for text in texts
            for statement in statements(text, engine)[0]
            for table in statement.tree.find_all(exp.Table)
        }
    except RecursionError:
        return Facts(), "Nothing is known of tables: a statement is nested too deep."
    except ContractError as error:
        return Facts(), _why(error)
    return all_facts(wanted)


def all_facts(wanted: Collection[str] | None = None) -> tuple[Facts, str]:
    """The facts of the lake's tables, and why there are none.

    Args:
        wanted: the last parts of the names of those that matter; None for all.
    """
    try:
        return lake_facts(Lake.current(), wanted), ""
    except (DeltaError, LakeRefused, OSError, SettingMissing) as error:
        return Facts(), _why(error)


def _why(error: Exception) -> str:
    return f"Nothing is known of tables: {str(error).splitlines()[0]}"
