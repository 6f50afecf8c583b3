"""Keeping what a person has judged by hand, so that the report shows the newest judgement of a table.

Which runs keep their results is decided where they run; what is kept belongs in `results_store`.
"""

from collections.abc import Sequence
from uuid import uuid4

from deltalake.exceptions import DeltaError

from dataeng_assets.lake.append import Superseded
from dataeng_assets.lake.location import Lake, LakeRefused
from dataeng_assets.quality.results import TableResult
from dataeng_assets.quality.results_store import BY_HAND, record
from dataeng_assets.quality.selection import ALL


def keep(lake: Lake, result: TableResult, *, checks: Sequence[str], own_rules: bool) -> str:
    """Keep a judgement of a table of the lake, if it is one of the table as a whole and by its own rules.

    Of a model in the warehouse nothing is kept: the report has what all of dbt's tests found, some of which dbt alone
    can ask, and a judgement without them must not take its place.

    Args:
        lake: where the table is, and the results.
        result: of the table, whose dotted key is its input.
        checks: what was asked for.
        own_rules: whether it was judged by its own contract or model, and by the platform's other tables.

    Returns:
        What became of it, as a sentence for the person. That it could not be kept changes no verdict.
    """
    if ALL not in checks:
        return "Not kept for the report: only part of its rules was judged."
    if not own_rules:
        return "Not kept for the report: it was judged by other rules, or beside other tables, than its own."
    try:
        if tuple(result.input.split(".")) not in lake.tables():
            return "Not kept for the report, which shows what the tests of dbt found in a model."
        record(lake, {result.input: result}, run_id=f"{BY_HAND}{uuid4()}")
    except (DeltaError, LakeRefused, OSError, Superseded) as error:
        return (
            f"It could not be kept for the report ({type(error).__name__}: {error}). The verdict stands all the same."
        )
    return "Kept for the report: dataeng report"
