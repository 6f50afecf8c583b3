"""Whether what is advised can be generated: the one place that knows both rooms."""

from collections.abc import Mapping

from dataeng_assets.generate.asked import Asked, request_of
from dataeng_assets.generate.request import RequestRefused


def is_written(options: Mapping[str, str]) -> bool:
    """Whether `dataeng generate` takes these options, by their names on the command line."""
    try:
        request_of(Asked(**options), "advised")
    except RequestRefused:
        return False
    return True
