"""SQL text as statements with places; what cannot be read is named with its place.

Which files are read, and templates, belong in `reading`; where a node stands in `spans`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TypeVar, cast

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from dataeng_assets.analyze.engines import SPARKS, Engine
from dataeng_assets.analyze.finding import Place
from dataeng_assets.analyze.parser_log import silent
from dataeng_assets.analyze.queries import Query, Scope, changes_of, queries_of
from dataeng_assets.analyze.spans import Text

MAX_CHARACTERS = 4_000_000
"""More is not a query but data; sqlglot holds about a hundred bytes per character."""
_READ_AGAIN = 2_000
"""Characters of an expression that is read again to find where exactly it stands."""
N = TypeVar("N", bound=exp.Expr)


class Unreadable(Exception):
    """A text is not SQL of its engine, or not text; the message says what stands there and what to do."""

    def __init__(self, file: str, reason: str, line: int | None = None, column: int | None = None) -> None:
        self.file, self.reason, self.line, self.column = file, reason, line, column
        where = f"{file}:{line}:{column}" if line else file
        super().__init__(f"{where}: {reason}")


@dataclass(frozen=True)
class Statement:
    """One statement of a file, as read in the engine's dialect.

    Attributes:
        start, end: where it stands in the text.
    """

    engine: Engine
    source: Text
    start: int
    end: int
    tree: exp.Expr = field(repr=False)

    @property
    def sql(self) -> str:
        """Its text, without the semicolon."""
        return self.source.text[self.start : self.end]

    @property
    def is_understood(self) -> bool:
        """Whether sqlglot reads more of it than its first word."""
        return not isinstance(self.tree, exp.Command)

    @cached_property
    def nodes(self) -> dict[type[exp.Expr], list[exp.Expr]]:
        """All nodes by their exact type, in the order of the tree."""
        found: dict[type[exp.Expr], list[exp.Expr]] = {}
        for node in self.tree.walk():
            found.setdefault(type(node), []).append(node)
        return found

    def all(self, *kinds: type[N]) -> Iterator[N]:
        """All nodes of these types and of what derives from them."""
        for kind, nodes in self.nodes.items():
            if issubclass(kind, kinds):
                yield from cast(list[N], nodes)

    @cached_property
    def queries(self) -> list[Query]:
        """Each SELECT with the tables it reads, outermost first."""
        return queries_of(self.tree)

    @cached_property
    def changes(self) -> list[Scope]:
        """Each UPDATE and DELETE with the tables it reads."""
        return changes_of(self.tree)

    def place(self, node: exp.Expr, *, since: Sequence[TokenType] = (), until: Sequence[TokenType] = ()) -> Place:
        """Where a node stands, from the last keyword of `since` before it to the first of `until` after it."""
        span: tuple[int, int] | None = None
        around: exp.Expr | None = node
        while span is None and around is not None:
            span = self._span(around)
            around = around.parent
        start, end = span or (self.start, self.end)
        if since:
            start = max(self.start, self.source.back_to(start, *since))
        if until:
            end = self.source.on_to(end, *until)
        return self.source.place(start, end)

    def _span(self, node: exp.Expr) -> tuple[int, int] | None:
        """Exact where the words around what has a place belong to the node: CAST, a call with its own grammar."""
        span = self.source.span(node)
        if span is None or span[1] - span[0] > _READ_AGAIN:
            return span
        is_bare = self.source.text[span[0]] == "(" or isinstance(node, exp.Subquery) or node.find(exp.Cast)
        return (self.source.exact(node, self.engine.dialect) or span) if is_bare else span

    def written(self, node: exp.Expr) -> str:
        """How a node is written in the text, on one line."""
        span = self._span(node)
        text = self.source.text[span[0] : span[1]] if span else node.sql(dialect=self.engine.dialect)
        return " ".join(text.split())


def statements(text: str, engine: Engine, file: str = "<query>") -> tuple[list[Statement], list[Unreadable]]:
    """Read all statements of a text.

    Returns:
        The statements that could be read, and an error for each that could not; the rest is read all the same.
    """
    if "\0" in text:
        return [], [Unreadable(file, "This is binary data, not SQL.")]
    if len(text) > MAX_CHARACTERS:
        return [], [Unreadable(file, f"{len(text):,} characters are too many: at most {MAX_CHARACTERS:,} are read.")]
    dialect = Dialect.get_or_raise(engine.dialect)
    try:
        tokens = dialect.tokenize(text)
    except TokenError as error:
        return [], [_unread(file, error, text)]
    if engine in SPARKS:
        _take_window_for_a_function(tokens)
    source = Text(file, text, tokens)
    parsed, errors = _parsed_by_chunk(dialect, source)
    if errors and len(parsed) + len(errors) > 1:
        whole = _parsed_whole(dialect, source)
        if whole is not None:
            parsed, errors = whole, []
    return [Statement(engine, source, start, end, tree) for start, end, tree in parsed], errors


def _take_window_for_a_function(tokens: Sequence[Token]) -> None:
    """`GROUP BY window(ts, '5 minutes')`: sqlglot reads the clause WINDOW, which a name follows and never a bracket."""
    for token, following in pairwise(tokens):
        if token.token_type is TokenType.WINDOW and following.token_type is TokenType.L_PAREN:
            token.token_type = TokenType.VAR


_Parsed = list[tuple[int, int, exp.Expr]]


def _parsed_by_chunk(dialect: Dialect, source: Text) -> tuple[_Parsed, list[Unreadable]]:
    found: _Parsed = []
    errors = []
    for chunk in _chunks(source.tokens):
        try:
            trees = _parse(dialect, chunk, source.text)
        except Exception as error:  # noqa: BLE001 - sqlglot's parser raises ValueError, KeyError and others on bad calls
            errors.append(_unread(source.file, error, source.text, chunk))
            continue
        found += [(chunk[0].start, chunk[-1].end + 1, tree) for tree in trees]
    return found, errors


def _parsed_whole(dialect: Dialect, source: Text) -> _Parsed | None:
    """The statements of a text whose semicolons do not all end one, such as a procedure's body."""
    try:
        trees = _parse(dialect, list(source.tokens), source.text)
    except Exception:  # noqa: BLE001 - as above
        return None
    spans = [source.span(tree) for tree in trees]
    return [(*span, tree) for span, tree in zip(spans, trees, strict=True) if span is not None]


@silent()
def _parse(dialect: Dialect, tokens: list[Token], text: str) -> list[exp.Expr]:
    return [tree for tree in dialect.parser().parse(tokens, text) if tree is not None]


def _chunks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    chunk: list[Token] = []
    for token in tokens:
        if token.token_type is not TokenType.SEMICOLON:
            chunk.append(token)
        elif chunk:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _unread(file: str, error: Exception, text: str, tokens: Sequence[Token] = ()) -> Unreadable:
    if isinstance(error, RecursionError):
        token = tokens[0]
        return Unreadable(file, "The statement is nested too deep to be read.", token.line, token.col)
    if isinstance(error, ParseError) and error.errors:
        told = error.errors[0]
        start = _start(told, tokens)
        line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
        near = f" near {told['highlight']!r}" if told.get("highlight") else ""
        return Unreadable(file, f"Syntax error{near}: {str(told['description']).rstrip('.')}.", line, column)
    if tokens:
        place = Text(file, text, tokens).place(tokens[0].start, tokens[-1].end + 1)
        return Unreadable(file, f"Syntax error: {_first_sentence(error)}", place.line, place.column)
    lines = text.splitlines() or [""]
    return Unreadable(file, f"Syntax error: {_first_sentence(error)}", len(lines), len(lines[-1]) + 1)


def _start(told: dict[str, object], tokens: Sequence[Token]) -> int:
    """The offset at which the parser stopped; it tells the end of the word as the column."""
    for token in tokens:
        if (token.line, token.col) == (told.get("line"), told.get("col")):
            return token.start
    return tokens[-1].end if tokens else 0


def _first_sentence(error: Exception) -> str:
    return f"{(str(error).splitlines() or [type(error).__name__])[0].rstrip('.')}."
