"""Reading the shop's state and doing what was planned, one change at a time.

What is read back after each change is the truth about it: the database sets keys and `updated_at`.
"""

from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from dataeng_assets.sample import life, schema, world
from dataeng_assets.sample.truth import Version

Rows = dict[tuple[str, int], tuple[Any, ...]]

_MAY_CHANGE = sql.SQL("(status in ('placed', 'paid', 'shipped') or status = 'delivered' and ordered_at > {})")
_CUSTOMER = sql.SQL("select customer_id, full_name, country, tier::text as tier, {} as created from shop.customers")
_ORDER = sql.SQL("select order_id, status::text as status, {} as ordered from shop.orders")
_RETURNABLE_DAYS = 30


def read_state(connection: Connection[Any], at: int) -> life.State:
    """The shop as it stands in the connection's eyes."""
    oldest = world.moment(at - _RETURNABLE_DAYS * world.DAY)
    with connection.cursor(row_factory=class_row(life.KnownCustomer)) as cursor:
        query = _CUSTOMER.format(_micros("created_at")) + sql.SQL(" order by customer_id")
        customers = cursor.execute(query).fetchall()
    with connection.cursor(row_factory=class_row(life.KnownOrder)) as order_cursor:
        where = sql.SQL(" where ") + _MAY_CHANGE.format(oldest) + sql.SQL(" order by order_id")
        orders = order_cursor.execute(_ORDER.format(_micros("ordered_at")) + where).fetchall()
    prices = connection.execute("select product_id, price from shop.products order by product_id").fetchall()
    return life.State(customers, dict(prices), orders)


def lock_reserved(connection: Connection[Any], salt: int) -> tuple[life.KnownCustomer | None, life.KnownOrder | None]:
    """Take one reserved customer and one reserved order that no other transaction holds."""
    tail = sql.SQL(" {key} % {reserved} = 0 order by hashint8extended({key}, {salt}) limit 1 for update skip locked")

    def free(key: str) -> sql.Composed:
        return tail.format(key=sql.Identifier(key), reserved=life.RESERVED, salt=salt)

    with connection.cursor(row_factory=class_row(life.KnownCustomer)) as cursor:
        query = _CUSTOMER.format(_micros("created_at")) + sql.SQL(" where ") + free("customer_id")
        customer = cursor.execute(query).fetchone()
    with connection.cursor(row_factory=class_row(life.KnownOrder)) as order_cursor:
        where = sql.SQL(" where status in ('placed', 'paid', 'shipped') and ") + free("order_id")
        order = order_cursor.execute(_ORDER.format(_micros("ordered_at")) + where).fetchone()
    return customer, order


def _micros(column: str) -> sql.Composed:
    return sql.SQL("(extract(epoch from {}) * 1000000)::bigint").format(sql.Identifier(column))


def apply(connection: Connection[Any], change: life.Change, written: Rows) -> None:
    """Do one change and note the row as the database left it."""
    table, columns = sql.Identifier(schema.SCHEMA, change.table), list(change.values)
    names = [sql.Identifier(column) for column in columns]
    placeholders = [sql.SQL(schema.parameter(column)) for column in columns]
    values: list[Any] = list(change.values.values())
    if change.key is None:
        query = sql.SQL("insert into {} ({}) values ({}) returning {}").format(
            table, sql.SQL(", ").join(names), sql.SQL(", ").join(placeholders), sql.SQL(schema.projection(change.table))
        )
    else:
        pairs = [sql.SQL("{} = {}").format(name, value) for name, value in zip(names, placeholders, strict=True)]
        query = sql.SQL("update {} set {} where {} = %s returning {}").format(
            table,
            sql.SQL(", ").join(pairs),
            sql.Identifier(schema.key_of(change.table)),
            sql.SQL(schema.projection(change.table)),
        )
        values.append(change.key)
    for row in connection.execute(query, values):
        written[change.table, row[0]] = row


def versions(written: Rows, commit: int, tick: int, *, is_late: bool) -> list[Version]:
    """What a transaction left behind, once it has committed."""
    return [Version(table, row, commit, tick, is_late) for (table, _), row in written.items()]
