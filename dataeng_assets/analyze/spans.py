"""Where a node of a syntax tree stands in its text.

sqlglot keeps positions for names, literals, stars and functions; what lies between them is found with the tokens.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from dataeng_assets.analyze.finding import Place
from dataeng_assets.analyze.parser_log import silent

_OPENS = {TokenType.L_PAREN, TokenType.L_BRACKET}
_CLOSES = {TokenType.R_PAREN, TokenType.R_BRACKET}
_BEFORE, _AFTER = 5, 8  # words by which a node may begin before, and end after, what is known of it


class Text:
    """A text with its tokens; offsets are counted from 0 in characters, ends are not included."""

    def __init__(self, file: str, text: str, tokens: Sequence[Token]) -> None:
        """Take the tokens of the whole text."""
        self.file, self.text, self.tokens = file, text, tokens

    @cached_property
    def _starts(self) -> list[int]:
        return [token.start for token in self.tokens]

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(index + 1 for index, letter in enumerate(self.text) if letter == "\n")]

    def place(self, start: int, end: int) -> Place:
        """The place of a span of the text."""
        line, column = self._line(start)
        end_line, end_column = self._line(max(end, start + 1))
        return Place(self.file, line, column, end_line, end_column)

    def _line(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def span(self, node: exp.Expr) -> tuple[int, int] | None:
        """From the first to the last character of a node, brackets balanced; None when nothing of it has a place."""
        known = [meta for one in node.walk() if (meta := one.meta) and None not in (meta.get("start"), meta.get("end"))]
        if not known:
            return None
        start, end = min(meta["start"] for meta in known), max(meta["end"] for meta in known)
        first, last = bisect_left(self._starts, start), bisect_right(self._starts, end) - 1
        if first >= len(self.tokens):
            return None
        if isinstance(node, exp.Func) and self._is_open(last + 1):
            last += 1  # a call without arguments, whose brackets belong to it
        first, last = self._balanced(first, last)
        return self.tokens[first].start, self.tokens[last].end + 1

    def exact(self, node: exp.Expr, dialect: str) -> tuple[int, int] | None:
        """The words that, read by themselves, give an expression again; None where none do.

        Unlike `span` it finds `CAST(` before, and `AS date)` or `::date` after, what has a place; reading takes longer.
        """
        found = self.span(node)
        if found is None:
            return None
        first, last = bisect_left(self._starts, found[0]), bisect_left(self._starts, found[1]) - 1
        if last < first:
            return None  # inside a hint, which is one token and whose words are counted from its own beginning
        for before, after in sorted(((b, a) for b in range(_BEFORE) for a in range(_AFTER)), key=sum):
            if first - before >= 0 and last + after < len(self.tokens):
                words = self.tokens[first - before : last + after + 1]
                start, end = words[0].start, words[-1].end + 1
                if _is_balanced(words) and _reads_as(self.text[start:end], node, dialect):
                    return start, end
        return None

    def _is_open(self, index: int) -> bool:
        return index < len(self.tokens) and self.tokens[index].token_type is TokenType.L_PAREN

    def _balanced(self, first: int, last: int) -> tuple[int, int]:
        """Widen a range of tokens until each bracket in it has its other half."""
        depth = lowest = 0
        for token in self.tokens[first : last + 1]:
            depth += (token.token_type in _OPENS) - (token.token_type in _CLOSES)
            lowest = min(lowest, depth)
        missing_right = depth - lowest
        while missing_right and last + 1 < len(self.tokens):
            last += 1
            kind = self.tokens[last].token_type
            missing_right += (kind in _OPENS) - (kind in _CLOSES)
        missing_left = -lowest
        while missing_left and first > 0:
            first -= 1
            kind = self.tokens[first].token_type
            missing_left += (kind in _CLOSES) - (kind in _OPENS)
        return first, last

    def back_to(self, start: int, *kinds: TokenType) -> int:
        """The start of the nearest token of one of these kinds before an offset on the same level, else the offset."""
        depth = 0
        for index in range(bisect_left(self._starts, start) - 1, -1, -1):
            token = self.tokens[index]
            depth += (token.token_type in _CLOSES) - (token.token_type in _OPENS)
            if depth < 0 or token.token_type is TokenType.SEMICOLON:
                break
            if depth == 0 and token.token_type in kinds:
                return token.start
        return start

    def on_to(self, end: int, *kinds: TokenType) -> int:
        """The end of the nearest token of one of these kinds from an offset on, on the same level, else the offset."""
        depth = 0
        for token in self.tokens[bisect_left(self._starts, end) :]:
            depth += (token.token_type in _OPENS) - (token.token_type in _CLOSES)
            if depth < 0 or token.token_type is TokenType.SEMICOLON:
                break
            if depth == 0 and token.token_type in kinds:
                return token.end + 1
        return end


def _is_balanced(tokens: Sequence[Token]) -> bool:
    kinds = [token.token_type for token in tokens]
    return kinds.count(TokenType.L_PAREN) == kinds.count(TokenType.R_PAREN)


@silent()
def _reads_as(text: str, node: exp.Expr, dialect: str) -> bool:
    try:
        read: exp.Expr = sqlglot.parse_one(text, dialect=dialect)
    except SqlglotError:
        return False
    return type(read) is type(node) and read == node
