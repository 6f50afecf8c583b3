"""File names of pages: a table's key, made safe for every file system and address, and never that of another table."""

import hashlib
import re

_SAFE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_LONGEST = 100
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that Windows keeps for itself."""


def page_of(table_key: str) -> str:
    """The path of a table's page within the site, always with slashes."""
    return f"tables/{slug(table_key)}.html"


def slug(table_key: str) -> str:
    """A file name for a key. It is the key itself where that is safe; else it ends with a hash of the key.

    Safe keys have no hyphen, so that the name of one is never the name of another.
    """
    if _SAFE.fullmatch(table_key) and len(table_key) <= _LONGEST and not _DEVICES.fullmatch(table_key):
        return table_key
    readable = re.sub(r"[^a-z0-9]+", "-", table_key.lower()).strip("-")[:40].strip("-")
    marked = hashlib.sha256(table_key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{readable or 'table'}-{marked}"
