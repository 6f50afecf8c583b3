"""What a check may say beside passed and failed, in one vocabulary.

An error blocks what lies downstream, a warning does not, and a check that could not be evaluated is neither passed nor
an error: it warns and says why.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

OUTCOME = "outcome"
NOT_EVALUATED = "not evaluated"
TIER = "tier"
"""Metadata of a check whose verdict has more than two steps; a change of the step is news.

As a tag it marks an asset each of whose events is news of this tier, in the words of its description.
"""
INFO = "info"


def not_evaluated(
    why: str,
    *,
    asset_key: dg.AssetKey | None = None,
    check_name: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dg.AssetCheckResult:
    """The result of a check that could not be evaluated: not passed, a warning, and why."""
    return dg.AssetCheckResult(
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        asset_key=asset_key,
        check_name=check_name,
        description=f"Could not be evaluated: {why}",
        metadata={OUTCOME: NOT_EVALUATED, "why": why, **(metadata or {})},
    )
