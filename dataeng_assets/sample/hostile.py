"""What a shop should never do to those who copy it: rows erased, back-dated, and given another key.

No extract by watermark can see these; the truth can. What belongs to an order follows it, so that the shop's own
promises hold. Categories, which are copied whole, have their deletions in `assortment`.
"""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from psycopg import Connection, sql

from dataeng_assets.sample import catalogue, schema, world
from dataeng_assets.sample.state import NEXT, PLACED, RESERVED, Change, Transaction

_BACK = timedelta(days=40)
_OF_AN_ORDER = ("order_items", "payments", "shipments")


def plan_hostile(random: Random, connection: Connection[Any], at: int) -> list[Transaction]:
    """Plan what happens to a few rows of each table that has a clock, none of them reserved."""
    customers = _keys(random, connection, "customers")
    products = _keys(random, connection, "products")
    orders = _keys(random, connection, "orders")
    levels = _keys(random, connection, "inventory_levels")
    return [
        *_back_dated(random, connection, at),
        (*_of_order(connection, orders[0], erased=True), Change("orders", orders[0], None)),
        (Change("customers", customers[0], None),),
        (Change("inventory_levels", levels[0], None),),
        (Change("customers", customers[1], {"customer_id": NEXT}),),
        (Change("products", products[0], {"product_id": NEXT}),),
        (Change("orders", orders[1], {"order_id": NEXT}), *_of_order(connection, orders[1], erased=False)),
        (Change("inventory_levels", levels[1], {"warehouse_code": f"{levels[1][0]} hall {random.getrandbits(20)}"}),),
        *(
            (Change(table, key, {name: world.uuid_text(random)}),)
            for table, name in (("payments", "payment_id"), ("shipments", "shipment_id"))
            for key in _keys(random, connection, table)[:1]
        ),
    ]


def _back_dated(random: Random, connection: Connection[Any], at: int) -> Iterator[Transaction]:
    """One row of each table changes, and says that it did so long ago."""
    values: dict[str, dict[str, Any]] = {
        "customers": {"city": random.choice(world.PLACES).city},
        "products": {"price": catalogue.new_price(random)},
        "orders": {"note": random.choice(world.NOTES)},
        "order_items": {"is_gift": random.random() < 0.5},
        "payments": {"receipt": random.randbytes(4)},
        "shipments": {"carrier": random.choice(world.CARRIERS)},
        "inventory_levels": {"on_hand": random.randrange(1_000)},
    }
    for table, changed in values.items():
        *_, key = _keys(random, connection, table)
        yield (Change(table, key, changed, clock=world.moment(at) - _BACK),)


def _of_order(connection: Connection[Any], order: tuple[Any, ...], *, erased: bool) -> Iterator[Change]:
    """What belongs to an order goes with it, or follows it to the number that it has just been given."""
    for table in _OF_AN_ORDER:
        query = sql.SQL("select {} from {} where order_id = %s order by 1")
        for key in connection.execute(_of(query, table), order).fetchall():
            yield Change(table, key, None if erased else {"order_id": PLACED})


def _keys(random: Random, connection: Connection[Any], table: str) -> list[tuple[Any, ...]]:
    """Keys of three rows that no late transaction holds."""
    names = schema.ARROW[table].names
    number = next(name for name in ("order_id", "product_id", "customer_id") if name in names)
    query = sql.SQL("select {} from {} where {} % {} <> 0 order by {}")
    rows = connection.execute(_of(query, table, sql.Identifier(number), sql.Literal(RESERVED), _key(table))).fetchall()
    return random.sample(rows, 3)


def _of(query: sql.SQL, table: str, *more: sql.Composable) -> sql.Composed:
    return query.format(_key(table), sql.Identifier(schema.SCHEMA, table), *more)


def _key(table: str) -> sql.Composed:
    """The key as the truth records it."""
    return sql.SQL(", ").join(
        sql.SQL("{}::text").format(sql.Identifier(name)) if name.endswith("_id") and table in {"payments", "shipments"}
        else sql.Identifier(name)
        for name in schema.key_of(table)
    )  # fmt: skip
