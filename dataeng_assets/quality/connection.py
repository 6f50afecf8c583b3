"""The DuckDB in which an input is judged: bounded memory, a folder of its own to spill into, no extension fetched.

What is read on it belongs in `inputs`.
"""

import secrets
import tempfile
from pathlib import Path

import duckdb

MEMORY_LIMIT = "512MB"


def connect(memory_limit: str = MEMORY_LIMIT) -> duckdb.DuckDBPyConnection:
    """A database in memory, for one validation; close it, or use it in `with`.

    What does not fit into memory is spilled into a temporary folder, which DuckDB makes when it is needed and removes
    with the connection. Times are shown in UTC.

    Args:
        memory_limit: most that DuckDB's own buffers take, as DuckDB writes it: `512MB`, `2GB`.
    """
    connection = duckdb.connect(
        config={
            "memory_limit": memory_limit,
            "temp_directory": str(Path(tempfile.gettempdir(), f"dataeng-quality-{secrets.token_hex(8)}")),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection
