"""sqlglot's log, silent while we parse: what it does not understand is told as a finding's or an error's own place."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silent() -> Iterator[None]:
    """Nothing that sqlglot logs reaches the user's terminal meanwhile."""
    logger = logging.getLogger("sqlglot")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
