"""What the platform knows of its tables beside their results: what they are made from, who owns them, what they are."""

import dagster as dg

from dataeng_assets.quality.report.story import Known


def catalogue(definitions: dg.Definitions) -> dict[str, Known]:
    """Every asset of the code location by its dotted key, sources outside of the platform included."""
    graph = definitions.resolve_asset_graph()
    found = {}
    for key in graph.get_all_asset_keys():
        asset = graph.get(key)
        found[".".join(key.path)] = Known(
            upstream=tuple(sorted(".".join(parent.path) for parent in asset.parent_keys)),
            owner=", ".join(owner.removeprefix("team:") for owner in asset.owners),
            description=asset.description or "",
            group=asset.group_name or "",
            is_source=not asset.is_materializable,
        )
    return found
