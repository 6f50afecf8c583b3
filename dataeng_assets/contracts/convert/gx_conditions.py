"""Conditions on rows as Great Expectations writes them: as objects, and as texts of its three parsers.

All three texts (`col("a") > 5`, pandas' `a > 5 and b == "x"`, Spark's SQL) are read by one small grammar; nothing is
evaluated.
"""

import re
from collections.abc import Mapping
from typing import Any

from dataeng_assets.contracts.checks.sql import listed, literal, quoted
from dataeng_assets.contracts.convert.conditions import all_of, any_of
from dataeng_assets.contracts.plain import shortened

LONGEST = 10_000
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<back>`[^`]*`)
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>==|!=|<>|<=|>=|&&|\|\||[-+<>=()\[\],.&|~@])
    )""",
    re.VERBOSE,
)
_SIGNS = {"==": "=", "=": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MISSING = {"notnull": "is not null", "notna": "is not null", "isnull": "is null", "isna": "is null"}
_DEEPEST = 50


class NotUnderstood(Exception):
    """A condition that is outside the grammar; the message says where."""


def where_of(said: Any) -> str:
    """The SQL of a row condition; empty when there is none.

    Raises:
        NotUnderstood: it holds something that has no meaning here.
    """
    if said is None or said == "":
        return ""
    if isinstance(said, str):
        return _Parser(said).whole()
    if isinstance(said, dict):
        return _object(said)
    raise NotUnderstood(shortened(said))


def _object(said: Mapping[str, Any]) -> str:
    kind = said.get("type")
    if kind in ("and", "or") and isinstance(said.get("conditions"), list):
        parts = [_object(part) for part in said["conditions"]]
        return all_of(parts) if kind == "and" else any_of(parts)
    if kind == "pass_through":
        return where_of(said.get("pass_through_filter"))
    column = said.get("column")
    if isinstance(column, dict) and isinstance(column.get("name"), str):
        name = quoted(column["name"])
        if kind == "nullity":
            return f"{name} is {'' if said.get('is_null') else 'not '}null"
        if kind == "comparison":
            return _comparison(name, said.get("operator"), said.get("parameter"))
    raise NotUnderstood(shortened(said))


def _comparison(name: str, operator: Any, value: Any) -> str:
    if operator in ("IN", "NOT_IN") and isinstance(value, list) and value:
        return f"{name} {'not ' if operator == 'NOT_IN' else ''}in ({listed(map(literal, value))})"
    if operator in _SIGNS and isinstance(value, str | int | float | bool):
        return f"{name} {_SIGNS[operator]} {literal(value)}"
    raise NotUnderstood(f"{operator} {shortened(value)}")


class _Parser:
    """Recursive descent: or, and, not, comparison, operand."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise NotUnderstood(f"a condition of {len(text):,} characters")
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found or found.end() == at:
                raise NotUnderstood(f"{text[at : at + 20].strip()!r}")
            self._tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()
        self._at, self._depth = 0, 0

    def whole(self) -> str:
        condition = self._either()
        if self._at < len(self._tokens):
            raise NotUnderstood(f"{self._tokens[self._at][1]!r} after the condition")
        return condition

    def _take(self, *signs: str) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at][0] in ("sign", "word"):
            found = self._tokens[self._at][1].lower()
            if found in signs:
                self._at += 1
                return found
        return None

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            raise NotUnderstood(f"no {sign} where one belongs")

    def _either(self) -> str:
        self._deeper()
        parts = [self._both()]
        while self._take("or", "|", "||"):
            parts.append(self._both())
        self._depth -= 1
        return any_of(parts)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NotUnderstood(f"more than {_DEEPEST} levels of parentheses")

    def _both(self) -> str:
        parts = [self._one()]
        while self._take("and", "&", "&&"):
            parts.append(self._one())
        return all_of(parts)

    def _one(self) -> str:
        negations = 0
        while self._take("not", "~"):
            negations += 1
        begun = self._at
        if self._take("("):
            condition = self._either()
            self._need(")")
            follows = self._tokens[self._at][1] if self._at < len(self._tokens) else ""
            if follows in _SIGNS:
                self._at = begun
                condition = self._compared()
        else:
            condition = self._compared()
        return f"not ({condition})" if negations % 2 else condition

    def _compared(self) -> str:
        left = self._operand()
        if self._take("is"):
            word = "is not null" if self._take("not") else "is null"
            self._need("null")
            return f"{left} {word}"
        if self._take("."):
            return self._method(left)
        word = "not " if self._take("not") else ""
        if self._take("in"):
            return f"{left} {word}in ({listed(self._list())})"
        if self._take("between"):
            low = self._operand()
            self._need("and")
            return f"{left} {word}between {low} and {self._operand()}"
        return all_of(self._chain(left))

    def _chain(self, left: str) -> list[str]:
        """`1 < a < 5` is two comparisons."""
        parts = []
        while sign := self._take(*_SIGNS):
            right = self._operand()
            parts.append(f"{left} {_SIGNS[sign]} {right}")
            left = right
        if not parts:
            raise NotUnderstood(f"{left} without a comparison")
        return parts

    def _method(self, column: str) -> str:
        for name, meaning in _MISSING.items():
            if self._take(name):
                self._need("(")
                self._need(")")
                return f"{column} {meaning}"
        raise NotUnderstood("a method other than notnull and isnull")

    def _list(self) -> list[str]:
        closing = ")" if self._take("(") else "]"
        if closing == "]":
            self._need("[")
        values = [self._operand()]
        while self._take(","):
            values.append(self._operand())
        self._need(closing)
        return values

    def _operand(self) -> str:
        sign = "-" if self._take("-") else ""
        if self._take("("):
            self._deeper()
            inner = self._operand()
            self._need(")")
            self._depth -= 1
            return f"{sign}{inner}"
        if self._at >= len(self._tokens):
            raise NotUnderstood("an end where a value belongs")
        kind, token = self._tokens[self._at]
        self._at += 1
        if kind == "text":
            return literal(re.sub(r"\\(.)", r"\1", token[1:-1]))
        if kind == "back":
            return quoted(token[1:-1])
        if kind == "number":
            return f"{sign}{token}"
        if kind == "word":
            return f"{sign}{self._named(token)}"
        raise NotUnderstood(f"{token!r} where a value belongs")

    def _named(self, word: str) -> str:
        lower = word.lower()
        if lower in ("true", "false"):
            return lower
        if lower in ("none", "null", "and", "or", "not", "in", "is"):
            raise NotUnderstood(f"{word!r} where a value belongs")
        if not self._take("("):
            return quoted(word)
        kind, token = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if lower not in ("col", "date") or kind != "text":
            raise NotUnderstood(f"a call of {word!r}")
        self._at += 1
        self._need(")")
        return quoted(token[1:-1]) if lower == "col" else f"cast({literal(token[1:-1])} as date)"
