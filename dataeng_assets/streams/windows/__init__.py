"""Windows over committed events: what they are, what stands in them, and publishing them."""

from dataeng_assets.streams.windows.definition import WINDOWS_SCHEMA
from dataeng_assets.streams.windows.publish import WindowReport, publish_windows, publish_windows_again

__all__ = ["WINDOWS_SCHEMA", "WindowReport", "publish_windows", "publish_windows_again"]
