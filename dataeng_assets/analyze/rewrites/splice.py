"""Changing a place in a statement's text and leaving the rest as it was written, comments and layout included."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from dataeng_assets.analyze.statement import Statement


@dataclass(frozen=True)
class Edit:
    """Another text for a span of the file; an empty span inserts."""

    start: int
    end: int
    text: str


def spliced(statement: Statement, edits: Iterable[Edit]) -> str:
    """The statement's text after the edits, which do not overlap."""
    text, last, parts = statement.source.text, statement.start, []
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        parts += [text[last : edit.start], edit.text]
        last = edit.end
    return "".join((*parts, text[last : statement.end]))


def span(statement: Statement, node: exp.Expr) -> tuple[int, int] | None:
    """Where exactly an expression stands: the words that, read by themselves, give it again. None where none do."""
    return statement.source.exact(node, statement.engine.dialect)


def written(statement: Statement, node: exp.Expr) -> str | None:
    """An expression as the text has it; None where that cannot be told."""
    found = span(statement, node)
    return statement.source.text[found[0] : found[1]] if found else None


def replaced(statement: Statement, node: exp.Expr, text: str) -> str | None:
    """The statement with another text for an expression."""
    found = span(statement, node)
    return spliced(statement, [Edit(*found, text)]) if found else None


def _tokens(statement: Statement) -> Sequence[Token]:
    tokens: Sequence[Token] = statement.source.tokens
    return tokens


def token_before(statement: Statement, offset: int, *kinds: TokenType) -> int | None:
    """The place in the list of tokens of the nearest one of these kinds before an offset, on the same level."""
    tokens = _tokens(statement)
    depth = 0
    for place in range(bisect_left([token.start for token in tokens], offset) - 1, -1, -1):
        token = tokens[place]
        if depth == 0 and token.token_type in kinds:
            return place
        depth += (token.token_type is TokenType.R_PAREN) - (token.token_type is TokenType.L_PAREN)
        if depth < 0 or token.start < statement.start:
            return None
    return None


def token_after(statement: Statement, offset: int, *kinds: TokenType) -> int | None:
    """The place in the list of tokens of the nearest one of these kinds from an offset on, on the same level."""
    tokens = _tokens(statement)
    depth = 0
    for place in range(bisect_left([token.start for token in tokens], offset), len(tokens)):
        token = tokens[place]
        if token.start >= statement.end:
            return None
        if depth == 0 and token.token_type in kinds:
            return place
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth < 0:
            return None
    return None


def without_token(statement: Statement, place: int) -> Edit:
    """The edit that takes a word away, with the blank after it."""
    tokens = _tokens(statement)
    following = tokens[place + 1].start if place + 1 < len(tokens) else tokens[place].end + 1
    between = statement.source.text[tokens[place].end + 1 : following]
    return Edit(tokens[place].start, following if not between.strip() else tokens[place].end + 1, "")
