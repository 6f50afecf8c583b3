"""Regular expressions of other tools as RE2 takes them, or why it does not. Never run here: RE2 itself reads them."""

import re

import pyarrow as pa
import pyarrow.compute as pc

_REASONS = {
    "(?=": "it looks ahead, which RE2 cannot, because it takes linear time",
    "(?!": "it looks ahead, which RE2 cannot, because it takes linear time",
    "(?<=": "it looks behind, which RE2 cannot, because it takes linear time",
    "(?<!": "it looks behind, which RE2 cannot, because it takes linear time",
}
_UNICODE = re.compile(r"(?<!\\)((?:\\\\)*)\\u(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{4}))")
_NOTHING = pa.array([""])


class PatternRefused(Exception):
    """A pattern that RE2 does not take."""


def re2(pattern: str) -> str:
    """The pattern as RE2 takes it, which writes characters by number in its own way.

    Raises:
        PatternRefused: RE2 cannot read it; says why.
    """
    meant = _UNICODE.sub(lambda found: rf"{found[1]}\x{{{found[2] or found[3]}}}", pattern)
    try:
        pc.match_substring_regex(_NOTHING, pattern=meant)
    except pa.ArrowInvalid as broken:
        raise PatternRefused(_reason(pattern, str(broken))) from None
    except (UnicodeError, TypeError):
        raise PatternRefused("it is no text in Unicode") from None
    return meant


def _reason(pattern: str, said: str) -> str:
    for beginning, reason in _REASONS.items():
        if beginning in pattern:
            return f"RE2 refuses the pattern: {reason}"
    if re.search(r"\\[1-9]|\(\?P=|\\k<", pattern):
        return "RE2 refuses the pattern: it refers back to a group, which RE2 cannot, because it takes linear time"
    return f"RE2 refuses the pattern: {said.rpartition('regular expression: ')[2] or said}"
