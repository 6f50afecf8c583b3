"""When what users hang on gold runs: named declarative automation conditions that lose no update.

`AutomationCondition.eager()` looks at the latest day only, and `since_last_handled()` forgets an update that is
reported while the asset runs. A condition here is reset by the request that follows an update, never by the run's end.
"""

from typing import Any

import dagster as dg


def _updated_since_requested() -> dg.AutomationCondition[Any]:
    updated = dg.AutomationCondition.any_deps_updated()
    requested = dg.AutomationCondition.newly_requested()
    return updated.since((requested & ~updated) | dg.AutomationCondition.initial_evaluation())


def _quiet() -> dg.AutomationCondition[Any]:
    return ~dg.AutomationCondition.any_deps_in_progress() & ~dg.AutomationCondition.in_progress()


def follows_its_inputs() -> dg.AutomationCondition[Any]:
    """Rebuild each partition whose inputs were updated, whatever day it is, once their blocking checks have passed."""
    return (
        _updated_since_requested() & _quiet() & dg.AutomationCondition.all_deps_blocking_checks_passed()
    ).with_label("follows its inputs")
