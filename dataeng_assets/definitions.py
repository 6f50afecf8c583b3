"""What Dagster loads, and the platform's policy: freshness, partitions left failed, two steps at once."""

import warnings
from datetime import timedelta
from pathlib import Path

import dagster as dg

from dataeng_assets.components.bronze_specs import SLA_SECONDS
from dataeng_assets.orchestration.failed_partitions import inventory

# Dagster's own code uses what it calls beta and preview; nobody who reads it here could do anything about that
for unsettled in (dg.BetaWarning, dg.PreviewWarning):
    warnings.filterwarnings("ignore", category=unsettled, module=r"dagster\.")

# steps are forked from a process that has imported what takes longest, and has no threads that a fork would lose
FORKED = {"forkserver": {"preload_modules": ["dagster", "dagster_dbt"]}}
STEPS = dg.multiprocess_executor.configured({"max_concurrent": 2, "start_method": FORKED})


def with_freshness(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Give an asset the freshness that its contract promises: late at the deadline, a warning at three quarters."""
    seconds = spec.metadata.get(SLA_SECONDS)
    if seconds is None:
        return spec
    deadline = timedelta(seconds=float(seconds))
    policy = dg.FreshnessPolicy.time_window(fail_window=deadline, warn_window=deadline * 0.75)
    governed: dg.AssetSpec = dg.apply_freshness_policy(spec, policy)
    return governed


@dg.definitions
def defs() -> dg.Definitions:
    """Everything below `defs/`, under the policy."""
    loaded = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    governed = loaded.permissive_map_resolved_asset_specs(func=with_freshness, selection=None)
    return dg.Definitions.merge(governed, inventory(governed), dg.Definitions(executor=STEPS))
