"""No room where rows are written: told apart from other failures, which every library words in its own way."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

# a full disk, a full quota, a file above the size that the process may write
_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WORDS = tuple(os.strerror(code) for code in _CODES)


class NoRoom(Exception):
    """There is no room left; nothing was committed. Trying again does not make any."""

    retryable = False


@contextmanager
def room_for(what: str, *places: str) -> Iterator[None]:
    """Name a failure that comes from a lack of room.

    Args:
        what: the table that is written, for the message.
        places: folders or addresses of which one is full.

    Raises:
        NoRoom: in place of such an error; any other passes.
    """
    try:
        yield
    except Exception as error:
        if getattr(error, "errno", None) not in _CODES and not any(words in str(error) for words in _WORDS):
            raise
        said = str(error).splitlines()[0]
        raise NoRoom(
            f"There is no room to write {what} ({said}). Nothing of this table was committed, and what was committed "
            f"before is untouched. Make room at {' or '.join(places)}, or raise the quota or file size that holds it "
            "down, and run again: it reads on from where the last run ended."
        ) from error
