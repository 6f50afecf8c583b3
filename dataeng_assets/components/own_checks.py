"""What a job that fills tables selects: the tables, and the checks that filling them evaluates."""

import dagster as dg


def with_own_checks(*assets: dg.AssetsDefinition) -> dg.AssetSelection:
    """The assets and the checks that they evaluate themselves; for what others look for in them, no run need wait."""
    own = dg.AssetSelection.checks(*(key for made in assets for key in made.check_keys))
    return dg.AssetSelection.assets(*assets).without_checks() | own
