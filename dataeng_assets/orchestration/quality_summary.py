"""What judging a table found, as metadata of its asset and of its checks."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from dataeng_assets.quality.report.names import page_of
from dataeng_assets.quality.report.site import folder
from dataeng_assets.quality.results import TableResult
from dataeng_assets.quality.written.markdown import summary as written
from dataeng_assets.quality.written.words import Outcome, hours_old, outcome


def summary(table_key: str, result: TableResult) -> Mapping[str, Any]:
    """The result as metadata: the verdict, the numbers, what does not hold with its samples, and where the page lies.

    Args:
        table_key: dotted, such as `marts.fct_orders`.
        result: of the table. Personal values in its samples were masked in the engine.
    """
    found = [outcome(one) for one in result.results]
    old = hours_old(result)
    told: dict[str, Any] = {
        "quality": dg.MetadataValue.md(written(result)),
        "overall_status": result.overall.value,
        "rules": len(found),
        "rules_violated": found.count(Outcome.VIOLATED),
        "rules_warning": found.count(Outcome.WARNING),
        "rules_undecided": found.count(Outcome.UNDECIDED),
        "rules_not_executed": len(result.not_executed),
        "rows_judged": result.rows,
        "contract_version": result.suite.version or "unknown",
        "data_version": result.data_version or "unknown",
        "report": dg.MetadataValue.path(str(folder() / page_of(table_key))),
    }
    return told if old is None else told | {"hours_old": round(old, 2)}
