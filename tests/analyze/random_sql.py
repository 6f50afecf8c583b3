"""Random statements from a grammar: many constructs, nested and mixed, with names that repeat."""

import random
from collections.abc import Callable


class Grammar:
    """Writes statements; the same seed writes the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.depth = 0

    def statement(self) -> str:
        self.depth = 0
        kinds: list[Callable[[], str]] = [self.query] * 12 + [
            self.update, self.delete, self.insert, self.merge, self.create,
        ]  # fmt: skip
        return self.one(kinds)()

    def one(self, choices: list[Callable[[], str]]) -> Callable[[], str]:
        return self.random.choice(choices)

    def word(self, *words: str) -> str:
        return self.random.choice(words)

    def maybe(self, share: float, text: Callable[[], str]) -> str:
        return text() if self.random.random() < share else ""

    def some(self, text: Callable[[], str], most: int = 3, by: str = ", ") -> str:
        return by.join(text() for _ in range(self.random.randint(1, most)))

    def table(self) -> str:
        return self.word("orders", "customers", "shop.orders", "a.b.c", "t", "recent", "u")

    def alias(self) -> str:
        return self.word("o", "c", "t", "x", "y")

    def column(self) -> str:
        name = self.word("id", "order_id", "status", "ordered_at", "amount", "ts", "event_date", "k")
        return self.maybe(0.5, lambda: f"{self.alias()}.") + name

    def literal(self) -> str:
        return self.word(
            "0", "1", "-7", "1.5", "1e9", "'x'", "'%x%'", "'2026-03-01'", "'it is'", "null", "true", "false", "''",
            "current_date", "date '2026-03-01'", "timestamp '2026-03-01 00:00:00'", "interval '1' day",
        )  # fmt: skip

    def expression(self) -> str:
        self.depth += 1
        try:
            if self.depth > 5:
                return self.word(self.column(), self.literal())
            return self.one(
                [self.column, self.column, self.column, self.literal, self.literal, self.call, self.cast, self.case,
                 self.arithmetic, self.scalar, self.window, self.aggregate, lambda: f"({self.expression()})",
                 lambda: f"- {self.expression()}", lambda: f"({self.condition()})"],
            )()  # fmt: skip
        finally:
            self.depth -= 1

    def call(self) -> str:
        pattern = self.word(
            "lower({})", "upper({})", "coalesce({}, {})", "coalesce({}, 0)", "date({})", "abs({})", "my_udf({})",
            "my_udf({}, {})", "my_udf()", "trim({})", "nullif({}, 0)", "concat({}, {})", "date_trunc('day', {})",
            "substr({}, 1, 2)", "length({})", "greatest({}, {})", "round({}, 2)", "extract(year from {})",
        )  # fmt: skip
        return pattern.format(*(self.expression() for _ in range(pattern.count("{}"))))

    def cast(self) -> str:
        kind = self.word("int", "bigint", "double", "date", "timestamp", "varchar(10)", "decimal(10, 2)", "string")
        return f"{self.word('cast', 'try_cast')}({self.expression()} as {kind})"

    def case(self) -> str:
        whens = self.some(lambda: f"when {self.condition()} then {self.expression()}", 2, " ")
        return f"case {whens}{self.maybe(0.5, lambda: f' else {self.expression()}')} end"

    def arithmetic(self) -> str:
        return f"{self.expression()} {self.word('+', '-', '*', '/', '%', '||')} {self.expression()}"

    def aggregate(self) -> str:
        name = self.word("count", "sum", "avg", "min", "max", "array_agg")
        inside = "*" if name == "count" and self.random.random() < 0.4 else self.maybe(0.3, lambda: "distinct ")
        return f"{name}({inside if inside == '*' else inside + self.expression()})"

    def window(self) -> str:
        name = self.word("row_number()", "rank()", f"last_value({self.column()})", f"sum({self.column()})", "lag(k, 1)")
        part = self.maybe(0.5, lambda: f"partition by {self.some(self.column, 2)} ")
        return f"{name} over ({part}{self.maybe(0.7, lambda: f'order by {self.some(self.column, 2)}')})"

    def scalar(self) -> str:
        return f"({self.select()})"

    def condition(self) -> str:
        self.depth += 1
        try:
            if self.depth > 5:
                return f"{self.column()} = {self.literal()}"
            return self.one(
                [self.comparison, self.comparison, self.comparison, self.between, self.in_, self.like, self.is_null,
                 self.exists, self.connected, self.connected, lambda: f"not {self.condition()}",
                 lambda: f"({self.condition()})"],
            )()  # fmt: skip
        finally:
            self.depth -= 1

    def comparison(self) -> str:
        return f"{self.expression()} {self.word('=', '<>', '<', '>', '<=', '>=', '=')} {self.expression()}"

    def between(self) -> str:
        return f"{self.column()} {self.maybe(0.2, lambda: 'not ')}between {self.literal()} and {self.literal()}"

    def in_(self) -> str:
        inside = self.some(self.literal, 4) if self.random.random() < 0.5 else self.select()
        return f"{self.expression()} {self.maybe(0.4, lambda: 'not ')}in ({inside})"

    def like(self) -> str:
        return f"{self.column()} {self.maybe(0.2, lambda: 'not ')}like {self.word(self.literal(), self.expression())}"

    def is_null(self) -> str:
        return f"{self.expression()} is {self.maybe(0.4, lambda: 'not ')}null"

    def exists(self) -> str:
        return f"exists ({self.select()})"

    def connected(self) -> str:
        return f"{self.condition()} {self.word('and', 'and', 'or')} {self.condition()}"

    def query(self) -> str:
        with_ = self.maybe(0.3, lambda: f"with {self.some(self.named_query, 2)} ")
        return f"{with_}{self.body()}{self.maybe(0.3, self.order)}{self.maybe(0.3, self.limit)}"

    def named_query(self) -> str:
        return f"{self.word('recent', 't', 'u')} as ({self.body()})"

    def body(self) -> str:
        if self.depth < 3 and self.random.random() < 0.15:
            operator = self.word("union", "union all", "intersect", "except", "union distinct")
            return f"{self.select()} {operator} {self.select()}"
        return self.select()

    def order(self) -> str:
        return f" order by {self.some(lambda: self.word(self.expression(), '1', '2 desc', 'rand()'), 2)}"

    def limit(self) -> str:
        return f" limit {self.word('0', '1', '10')}{self.maybe(0.3, self.offset)}"

    def offset(self) -> str:
        return f" offset {self.word('5', '100000')}"

    def select(self) -> str:
        self.depth += 1
        try:
            return "".join(
                (
                    "select ",
                    self.maybe(0.05, lambda: f"/*+ {self.word('broadcast(o)', 'repartition(1)', 'coalesce(1)')} */ "),
                    self.maybe(0.15, lambda: "distinct "),
                    self.some(self.selected, 4),
                    self.maybe(0.95, self.from_),
                    self.maybe(0.5, lambda: f" where {self.condition()}"),
                    self.maybe(0.2, lambda: f" group by {self.some(self.expression, 2)}"),
                    self.maybe(0.1, lambda: f" having {self.condition()}"),
                )
            )
        finally:
            self.depth -= 1

    def selected(self) -> str:
        return self.word("*", f"{self.alias()}.*") if self.random.random() < 0.15 else self.named()

    def named(self) -> str:
        return self.expression() + self.maybe(0.4, lambda: f" as {self.word('a', 'b', 'status', 'total')}")

    def from_(self) -> str:
        return f" from {self.source()}{''.join(self.join() for _ in range(self.random.choice([0, 0, 0, 1, 1, 2, 4])))}"

    def source(self) -> str:
        if self.depth < 5 and self.random.random() < 0.2:
            return f"({self.select()}) {self.alias()}"
        return self.table() + self.maybe(0.6, lambda: f" {self.word('', 'as ')}{self.alias()}")

    def join(self) -> str:
        kind = self.word(
            ", ", " cross join ", " natural join ", " join ", " left join ", " full outer join ", " inner join "
        )
        if kind in {", ", " cross join ", " natural join "}:
            return kind + self.source()
        how = self.word(f" on {self.condition()}", f" on {self.condition()}", f" using ({self.word('id', 'k')})", "")
        return f"{kind}{self.source()}{how}"

    def update(self) -> str:
        values = self.some(lambda: f"{self.word('status', 'amount')} = {self.expression()}", 2)
        return f"update {self.table()} set {values}{self.maybe(0.6, lambda: f' where {self.condition()}')}"

    def delete(self) -> str:
        return f"delete from {self.table()}{self.maybe(0.6, lambda: f' where {self.condition()}')}"

    def insert(self) -> str:
        columns = self.maybe(0.5, lambda: " (id, status)")
        values = self.select() if self.random.random() < 0.6 else f"values ({self.some(self.literal, 3)})"
        return f"insert into {self.table()}{columns} {values}"

    def merge(self) -> str:
        return (
            f"merge into {self.table()} t "
            f"using {self.word(self.table(), f'({self.select()})')} s on {self.condition()} "
            f"when matched then update set status = s.status when not matched then insert (id) values (s.id)"
        )

    def create(self) -> str:
        return self.word(
            f"create table n as {self.query()}", f"create view v as {self.query()}",
            "create table n (id int, status varchar(10))", f"explain {self.query()}", "optimize t zorder by (id)",
        )  # fmt: skip
