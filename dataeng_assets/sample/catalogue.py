"""What the shop sells and where it lies: the tree of categories, products, and levels of inventory, as they are new.

What a day changes about them belongs in `assortment`.
"""

from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import NamedTuple

from dataeng_assets.sample import world
from dataeng_assets.sample.rows import Json, jsonb

WAREHOUSES = ("CGN-1", "LDZ/2")


class Category(NamedTuple):
    """A row of `shop.product_categories`."""

    category_id: int
    parent_id: int | None
    slug: str
    name: str
    is_visible: bool
    sort_order: int
    return_period: str | None


class Product(NamedTuple):
    """A row of `shop.products`."""

    product_id: int
    sku: str
    name: str
    category_id: int
    price: Decimal
    weight_grams: int | None
    attributes: str
    is_active: bool
    created_at: datetime
    updated_at: datetime


class InventoryLevel(NamedTuple):
    """A row of `shop.inventory_levels`."""

    warehouse_code: str
    product_id: int
    on_hand: int
    reserved: int
    reorder_point: int | None
    counted_on: date
    updated_at: datetime


def _tree() -> tuple[Category, ...]:
    tops = [
        Category(number, None, _slug(name), name.capitalize(), True, number, None)
        for number, name in enumerate(world.CATEGORIES, start=1)
    ]
    leaves: list[Category] = []
    for top in tops:
        for place, name in enumerate(world.SHELVES, start=1):
            number = len(tops) + len(leaves) + 1
            period = world.RETURN_PERIODS[number % len(world.RETURN_PERIODS)]
            slug = f"{top.slug}/{_slug(name)}"
            leaves.append(Category(number, top.category_id, slug, f"{top.name}: {name}", True, place - 2, period))
    return (*tops, *leaves)


def _slug(name: str) -> str:
    return "-".join(name.lower().replace("&", " ").split())


CATEGORIES = _tree()
LEAVES = tuple(category for category in CATEGORIES if category.parent_id is not None)


def new_product(random: Random, product_id: int, created: int) -> Product:
    """A product as it is first offered."""
    at = world.moment(created)
    category = random.choice(LEAVES)
    return Product(
        product_id,
        f"{category.slug[:3].upper()}-{product_id:05d}",
        f"{random.choice(world.GOODS)} {random.choice(world.COLOURS)} No. {product_id}",
        category.category_id,
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


def new_level(random: Random, warehouse: str, product: Product, written: int) -> InventoryLevel:
    """What is counted of a product in a warehouse."""
    at = world.moment(written)
    on_hand = random.choice((0, random.randrange(40), random.randrange(1_000)))
    reorder_point = random.choice((0, 10, 25)) if product.is_active else None
    return InventoryLevel(
        warehouse, product.product_id, on_hand, min(on_hand, random.randrange(8)), reorder_point, at.date(), at
    )
