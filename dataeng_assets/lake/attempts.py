"""Trying a commit again when others were quicker: from the beginning, because what it rests on has changed.

What is tried is the caller's. A commit that needs no fresh look at its table is repeated by `append` itself.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from dataeng_assets.lake.append import ProgressGoesBack, Superseded

ATTEMPTS = 5

T = TypeVar("T")


def until_committed(attempt: Callable[[Path], T]) -> T:
    """Call until it is not overtaken, a few times at most.

    Args:
        attempt: opens its tables anew, and commits or leaves it; given an empty folder that is removed after it.

    Raises:
        Superseded: others were quicker in the last attempt too; nothing of it was written.
        ProgressGoesBack: the same, found out before it was written.
    """
    for left in reversed(range(ATTEMPTS)):
        with tempfile.TemporaryDirectory(prefix="dataeng-attempt-") as folder:
            try:
                return attempt(Path(folder))
            except (Superseded, ProgressGoesBack):
                if not left:
                    raise
    raise AssertionError("the last attempt returns or raises")
