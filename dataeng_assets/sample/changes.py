"""Reading the shop's state and doing what was planned, one change at a time.

What is read back after each change is the truth about it: the database sets keys and `updated_at`.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Any, LiteralString, TypeVar

from psycopg import Connection, sql

from dataeng_assets.sample import schema, world
from dataeng_assets.sample.rows import Goods
from dataeng_assets.sample.state import (
    NEXT,
    PLACED,
    RESERVED,
    Change,
    KnownCategory,
    KnownCustomer,
    KnownItem,
    KnownLevel,
    KnownOrder,
    Reserved,
    State,
)
from dataeng_assets.sample.truth import Version

_CUSTOMER: LiteralString = """
select
    customer_id, full_name, country, tier::text as tier, (extract(epoch from created_at) * 1000000)::bigint as created
from shop.customers where customer_id % {parts} = {part}
"""
_ORDER: LiteralString = """
select
    o.order_id, o.status::text as status, (extract(epoch from o.ordered_at) * 1000000)::bigint as ordered,
    o.total_amount - coalesce(o.discount_amount, 0) as amount, o.currency,
    p.payment_id::text as payment_id, p.created_at as payment_created,
    s.shipment_id::text as shipment_id, (extract(epoch from s.shipped_at) * 1000000)::bigint as shipped
from shop.orders o
left join shop.payments p on p.order_id = o.order_id and p.status = 'authorized' and o.status = 'placed'
left join shop.shipments s on s.order_id = o.order_id and o.status = 'shipped'
where (o.status in ('placed', 'paid', 'shipped') or o.status = 'delivered' and o.ordered_at > {oldest})
and o.order_id % {parts} = {part}
"""
_ITEM: LiteralString = """
select order_id, line_number, is_gift from shop.order_items join shop.orders using (order_id)
where status = 'placed' and order_id % {parts} = {part} order by order_id, line_number
"""
_CATEGORY: LiteralString = """
select category_id, is_visible from shop.product_categories where parent_id is not null
"""
_LEVEL: LiteralString = """
select warehouse_code, product_id, on_hand from shop.inventory_levels where product_id % {parts} = {part}
"""
_RETURNABLE_DAYS = 30
_Known = TypeVar("_Known", KnownCustomer, KnownOrder, KnownItem, KnownCategory, KnownLevel)


def read_state(connection: Connection[Any], at: int, *, parts: int = 1, part: int = 0) -> State:
    """The shop as it stands in the connection's eyes: all of it, or one part of what it has many of."""
    products = connection.execute("select product_id, price from shop.products order by product_id").fetchall()
    oldest = world.moment(at - _RETURNABLE_DAYS * world.DAY)

    def all_of(kind: type[_Known], query: LiteralString) -> list[_Known]:
        return _all(connection, kind, query, parts=parts, part=part, oldest=oldest)

    return State(
        customers=all_of(KnownCustomer, _CUSTOMER + " order by customer_id"),
        goods=Goods([product for product, _ in products], [price for _, price in products]),
        orders=all_of(KnownOrder, _ORDER + " order by o.order_id"),
        items=all_of(KnownItem, _ITEM),
        categories=all_of(KnownCategory, _CATEGORY + " order by category_id"),
        levels=all_of(KnownLevel, _LEVEL + " order by warehouse_code, product_id"),
    )


def lock_reserved(connection: Connection[Any], salt: int, at: int) -> Reserved:
    """Take one reserved row of each kind that no other transaction holds."""

    def free(kind: type[_Known], query: LiteralString, key: LiteralString, table: LiteralString) -> _Known | None:
        tail = f" and {key} % {{reserved}} = 0 order by hashint8extended({key}, {{salt}}) limit 1 "
        found = _all(
            connection,
            kind,
            f"{query}{tail}for update of {table} skip locked",
            parts=1,
            part=0,
            oldest=world.moment(at),
            reserved=RESERVED,
            salt=salt,
        )
        return found[0] if found else None

    return Reserved(
        free(KnownCustomer, _CUSTOMER, "customer_id", "customers"),
        free(KnownOrder, _ORDER, "o.order_id", "o"),
        free(KnownCategory, _CATEGORY, "category_id", "product_categories"),
        free(KnownLevel, _LEVEL, "product_id", "inventory_levels"),
    )


def _all(connection: Connection[Any], kind: type[_Known], query: LiteralString, **values: Any) -> list[_Known]:
    rows = connection.execute(sql.SQL(query).format(**values))
    return [kind._make(row) for row in rows]


@dataclass
class Written:
    """What one transaction has written: rows by table and key as it left them, None where it deleted one.

    `order` is the number of the order that it wrote last.
    """

    rows: dict[tuple[str, tuple[Any, ...]], tuple[Any, ...] | None] = field(default_factory=dict)
    order: int | None = None


def apply(connection: Connection[Any], change: Change, written: Written) -> None:
    """Do one change and note the row as the database left it."""
    width = len(schema.key_of(change.table))
    if change.clock:
        connection.execute("select set_config('shop.clock', %s, true)", (change.clock.isoformat(),))
    for row in connection.execute(_statement(change), _arguments(change, written)):
        if change.key is not None:
            written.rows[change.table, change.key] = None
        if change.values is not None:
            written.rows[change.table, row[:width]] = row
        if change.table == "orders":
            written.order = row[0]
    if change.clock:
        connection.execute("select set_config('shop.clock', '', true)")


def _statement(change: Change) -> sql.Composed:
    if change.values is None:
        return _delete(change.table)
    columns = tuple(change.values)
    if change.key is None:
        return _insert(change.table, columns)
    return _update(change.table, columns, tuple(name for name, value in change.values.items() if value is NEXT))


def _arguments(change: Change, written: Written) -> list[Any]:
    values = [] if change.values is None else [value for value in change.values.values() if value is not NEXT]
    return [*(written.order if value is PLACED else value for value in values), *(change.key or ())]


@cache
def _insert(table: str, columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL("insert into {} ({}) values ({}) returning {}").format(
        sql.Identifier(schema.SCHEMA, table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(_parameter(table, column) for column in columns),
        _projection(table),
    )


@cache
def _update(table: str, columns: tuple[str, ...], numbered: tuple[str, ...]) -> sql.Composed:
    pairs = [
        sql.SQL("{} = default").format(sql.Identifier(column)) if column in numbered else _pair(table, column)
        for column in columns
    ]
    return sql.SQL("update {} set {} where {} returning {}").format(
        sql.Identifier(schema.SCHEMA, table),
        sql.SQL(", ").join(pairs),
        _is_key(table),
        _projection(table),
    )


@cache
def _delete(table: str) -> sql.Composed:
    return sql.SQL("delete from {} where {} returning {}").format(
        sql.Identifier(schema.SCHEMA, table), _is_key(table), _projection(table)
    )


def _is_key(table: str) -> sql.Composed:
    return sql.SQL(" and ").join(_pair(table, column) for column in schema.key_of(table))


def _pair(table: str, column: str) -> sql.Composed:
    return sql.SQL("{} = {}").format(sql.Identifier(column), _parameter(table, column))


def _parameter(table: str, column: str) -> sql.SQL:
    return sql.SQL(schema.parameter(table, column))


def _projection(table: str) -> sql.SQL:
    return sql.SQL(schema.projection(table))


def versions(written: Written, commit: int, tick: int, *, is_late: bool) -> list[Version]:
    """What a transaction left behind, once it has committed."""
    found = []
    for (table, key), row in written.rows.items():
        nothing = (None,) * (len(schema.ARROW[table]) - len(key))
        found.append(Version(table, row or (*key, *nothing), commit, tick, is_late, is_deleted=row is None))
    return found
