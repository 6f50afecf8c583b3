"""New customers and orders, each drawn from a random stream.

When they appear and what becomes of them belongs in `history` and `life`, what they buy in `catalogue`, and what
follows an order in `fulfilment`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from json import dumps
from random import Random
from typing import NamedTuple

from dataeng_assets.sample import world

Json = None | bool | int | str | Decimal | Sequence["Json"] | Mapping[str, "Json"]


class Customer(NamedTuple):
    """A row of `shop.customers`."""

    customer_id: int
    public_id: str
    email: str
    full_name: str
    country: str
    city: str
    tier: str
    marketing_consent: bool | None
    preferences: str | None
    tags: list[str]
    created_at: datetime
    updated_at: datetime


class Order(NamedTuple):
    """A row of `shop.orders`."""

    order_id: int
    order_ref: str
    customer_id: int
    status: str
    currency: str
    total_amount: Decimal
    discount_amount: Decimal | None
    coupon_codes: list[str] | None
    shipping_address: str
    note: str | None
    ordered_at: datetime
    shipped_at: datetime | None
    updated_at: datetime


class OrderItem(NamedTuple):
    """A row of `shop.order_items`."""

    order_id: int
    line_number: int
    product_id: int
    quantity: int
    unit_price: Decimal
    line_amount: Decimal
    is_gift: bool
    updated_at: datetime


class Goods(NamedTuple):
    """What can be bought: numbers of products in the order in which they were listed, and their prices."""

    products: Sequence[int]
    prices: Sequence[Decimal]


def jsonb(value: Json) -> str:
    """A JSON value as Postgres prints a `jsonb`: keys by length in bytes, then by bytes; decimals keep their zeros."""
    if value is None or isinstance(value, str | bool):
        return dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{dumps(key, ensure_ascii=False)}: {jsonb(value[key])}" for key in keys) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(jsonb(item) for item in value) + "]"
    return str(value)


def new_customer(random: Random, customer_id: int, created: int) -> tuple[Customer, world.Place]:
    """A customer at the instant of signing up, and where they live."""
    place = random.choice(world.PLACES)
    first, last = random.choice(world.FIRST_NAMES), random.choice(world.LAST_NAMES)
    at = world.moment(created)
    customer = Customer(
        customer_id,
        world.uuid_text(random),
        f"shopper+{random.getrandbits(40):010x}@example.com",
        f"{first} {last}",
        place.country,
        place.city,
        random.choices(("basic", "silver", "gold"), (80, 15, 5))[0],
        random.choice((None, True, True, False)),
        _preferences(random),
        random.sample(world.TAGS, random.choice((0, 0, 0, 1, 1, 2, 4))),
        at,
        at,
    )
    return customer, place


def _preferences(random: Random) -> str | None:
    kind = random.random()
    if kind < 0.2:
        return None
    if kind < 0.3:
        return "{}"
    return jsonb(
        {
            "theme": random.choice(("dark", "hell", "светлая")),
            "newsletter": {"weekly": kind < 0.6, "cap": Decimal(random.randrange(1, 500)) / 100, "topics": []},
            "nickname": random.choice((None, "", 'Zoë "Z"', "tab\tbed")),
            "limits": [Decimal("0.10"), Decimal(random.randrange(10_000)).scaleb(-3), 7],
        }
    )


def address(random: Random, place: world.Place, name: str) -> str:
    """A delivery address as JSON."""
    return jsonb(
        {
            "name": name,
            "lines": [f"{place.street} {random.randrange(1, 200)}", *([""] if random.random() < 0.1 else [])],
            "postal_code": f"{random.randrange(100_000):05d}",
            "city": place.city,
            "country": place.country,
            "position": {"lat": Decimal(random.randrange(-90_000, 90_000)).scaleb(-3), "exact": False},
        }
    )


def new_order(
    random: Random,
    order_id: int,
    customer_id: int,
    currency: str,
    shipping: str,
    goods: Goods,
    offered: int,
    ordered: int,
) -> tuple[Order, list[OrderItem]]:
    """An order of the first `offered` goods that has just been placed, and its lines, which add up to its total."""
    at = world.moment(ordered)
    items = _items(random, order_id, goods, offered, at)
    total = sum((item.line_amount for item in items), Decimal("0.00"))
    kind = random.random()
    discount = None if kind < 0.7 else Decimal("0.00") if kind < 0.8 else (total / 10).quantize(Decimal("0.01"))
    coupons = None if kind < 0.7 else [] if kind < 0.75 else random.sample(world.COUPONS, 1 + (kind > 0.95))
    note = random.choice(world.NOTES) if random.random() < 0.2 else None
    order = Order(
        order_id, world.uuid_text(random), customer_id, "placed", currency, total, discount, coupons, shipping, note,
        at, None, at,
    )  # fmt: skip
    return order, items


def _items(random: Random, order_id: int, goods: Goods, offered: int, at: datetime) -> list[OrderItem]:
    unit = random.random
    wanted = {int(unit() * offered): None for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5)))}
    items = []
    for number, place in enumerate(wanted, start=1):
        quantity = 1 + int(unit() ** 8 * 5)
        price = goods.prices[place]
        items.append(
            OrderItem(order_id, number, goods.products[place], quantity, price, price * quantity, unit() < 0.08, at)
        )
    return items
