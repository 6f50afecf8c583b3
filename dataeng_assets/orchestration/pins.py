"""The bronze versions that a run reads: fixed once, so that all its steps see the same state."""

import json
from collections.abc import Mapping

import dagster as dg

from dataeng_assets.lake.location import Lake

TAG = "dataeng/pins"


def pinned(context: dg.AssetExecutionContext, lake: Lake) -> Mapping[str, int]:
    """Version of each table of bronze and silver for this run, dotted; fixed by the first step that asks."""
    run = context.instance.get_run_by_id(context.run.run_id)
    tags = run.tags if run else context.run.tags
    if TAG not in tags:
        context.instance.add_run_tags(context.run.run_id, {TAG: json.dumps(newest(lake))})
        return pinned(context, lake)
    pins: Mapping[str, int] = json.loads(tags[TAG])
    return pins


def newest(lake: Lake) -> dict[str, int]:
    """The newest version of each table of bronze and silver, dotted."""
    keys = [*lake.tables(("bronze",)), *lake.tables(("silver",))]
    return {".".join(key): lake.open(key).version() for key in keys}
