"""Whether a name matches a regular expression of a schema: never slowly, and never wrongly; else not known.

The dialect of JSON Schema is that of JavaScript, matched anywhere in the text. RE2 takes time in proportion to the
text whatever the expression, and means the same for the part of the language that is let through here.
"""

import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

LONGEST = 1000
# groups other than (?:…), POSIX classes, {,n}, and escapes that the dialects read differently
_DIFFERS = re.compile(r"\(\?(?!:)|\[\[?:|\{,|\\[^dDwWsSbBnrtfv\W]|\\_|&&|\[\]|\[\^\]")
_CLASSES = re.compile(r"[\\.]|\[\^")
_PRINTABLE = re.compile(r"[ -~]*")


@lru_cache(maxsize=100_000)
def matches(pattern: str, text: str) -> bool | None:
    """Whether the pattern is found in the text; None where that is not known for certain."""
    if not _is_plain(pattern) or len(text) > LONGEST:
        return None
    if _CLASSES.search(pattern) and not _PRINTABLE.fullmatch(text):
        return None
    try:
        return bool(pc.match_substring_regex(pa.array([text]), pattern)[0].as_py())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


@lru_cache(maxsize=1000)
def _is_plain(pattern: str) -> bool:
    """Whether an expression means the same everywhere."""
    return len(pattern) <= LONGEST and bool(_PRINTABLE.fullmatch(pattern)) and not _DIFFERS.search(pattern)
