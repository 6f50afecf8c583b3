"""Facts that are at hand without asking a database: the lake's logs, or, of the sources themselves, the contracts."""

from collections.abc import Iterable

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
        return lake_facts(Lake.current(), wanted), ""
    except (ContractError, DeltaError, LakeRefused, OSError, SettingMissing) as error:
        return Facts(), f"Nothing is known of tables: {str(error).splitlines()[0]}"
