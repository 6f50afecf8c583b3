"""Regular expressions of other tools as RE2 takes them, or why it does not. Never run here: RE2 itself reads them."""

import re

from dataeng_assets.contracts.checks.consistent import pattern_problem

_AROUND = {"(?=": "ahead", "(?!": "ahead", "(?<=": "behind", "(?<!": "behind"}
_UNICODE = re.compile(r"(?<!\\)((?:\\\\)*)\\u(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{4}))")


class PatternRefused(Exception):
    """A pattern that RE2 does not take."""


def re2(pattern: str) -> str:
    """The pattern as RE2 takes it, which writes characters by number in its own way.

    Raises:
        PatternRefused: RE2 cannot read it; says why.
    """
    meant = _UNICODE.sub(lambda found: rf"{found[1]}\x{{{found[2] or found[3]}}}", pattern)
    problem = pattern_problem(meant)
    if problem:
        raise PatternRefused(_reason(pattern, problem))
    return meant


def _reason(pattern: str, problem: str) -> str:
    for beginning, way in _AROUND.items():
        if beginning in pattern:
            return f"it looks {way}, which RE2 cannot, because it takes linear time"
    if re.search(r"\\[1-9]|\(\?P=|\\k<", pattern):
        return "it refers back to a group, which RE2 cannot, because it takes linear time"
    return problem
