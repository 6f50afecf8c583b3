"""New customers, products and orders, each drawn from a random stream.

When they appear and what becomes of them belongs in `history` and `life`.
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


class Product(NamedTuple):
    """A row of `shop.products`."""

    product_id: int
    sku: str
    name: str
    category: str
    price: Decimal
    weight_grams: int | None
    attributes: str
    is_active: bool
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


def new_product(random: Random, product_id: int, created: int) -> Product:
    """A product as it is first offered."""
    at = world.moment(created)
    category = random.choice(world.CATEGORIES)
    return Product(
        product_id,
        f"{category[:3].upper()}-{product_id:05d}",
        f"{random.choice(world.GOODS)} {random.choice(world.COLOURS)} No. {product_id}",
        category,
        new_price(random),
        random.choice((None, random.randrange(20, 30_000), random.randrange(20, 2_000))),
        _attributes(random),
        random.random() < 0.92,
        at,
        at,
    )


def new_price(random: Random) -> Decimal:
    """A price from 0.99 to about 250, most of them small."""
    return Decimal(99 + int(25_000 * random.random() ** 3)).scaleb(-2)


def _attributes(random: Random) -> str:
    if random.random() < 0.15:
        return "{}"
    size: dict[str, Json] = {
        "width_cm": Decimal(random.randrange(10, 2_000)).scaleb(-1),
        "height_cm": random.randrange(1, 200),
    }
    return jsonb(
        {"colour": random.choice(world.COLOURS), "size": size, "materials": ["wood", "Glas"][: random.randrange(3)]}
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
    prices: Sequence[Decimal],
    ordered: int,
) -> Order:
    """An order that has just been placed."""
    total = sum((random.choice(prices) for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5)))), Decimal("0.00"))
    kind = random.random()
    discount = None if kind < 0.7 else Decimal("0.00") if kind < 0.8 else (total / 10).quantize(Decimal("0.01"))
    coupons = None if kind < 0.7 else [] if kind < 0.75 else random.sample(world.COUPONS, 1 + (kind > 0.95))
    note = random.choice(world.NOTES) if random.random() < 0.2 else None
    at = world.moment(ordered)
    return Order(
        order_id, world.uuid_text(random), customer_id, "placed", currency, total, discount, coupons, shipping, note,
        at, None, at,
    )  # fmt: skip
