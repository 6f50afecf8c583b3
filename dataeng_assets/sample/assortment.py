"""What happens to what the shop sells: prices, places in the tree, the tree itself, gifts, and levels of inventory.

How often belongs in `life`.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from dataeng_assets.sample import catalogue, history, world
from dataeng_assets.sample.state import (
    RESERVED,
    Change,
    KnownCategory,
    KnownItem,
    KnownLevel,
    Pace,
    State,
    Story,
    inserted,
)

_MOST_GONE = 4


def changed(random: Random, state: State, pace: Pace, at: int) -> list[Story]:
    """What happens to products, categories, lines of orders and levels; to those that are not reserved."""
    return [
        *_products(random, state.goods.products, pace),
        *_categories(random, state.categories, pace.share),
        *_gifts(random, [item for item in state.items if item.order_id % RESERVED], pace),
        *_levels(random, [level for level in state.levels if level.product_id % RESERVED], pace, at),
    ]


def _products(random: Random, products: Sequence[int], pace: Pace) -> list[Story]:
    """Products that get another price; some of them are shown elsewhere from then on."""
    stories: list[Story] = []
    for product in random.sample(products, min(len(products), pace.count(random, 10 * history.PRODUCTS))):
        values: dict[str, Any] = {"price": catalogue.new_price(random)}
        if random.random() < 0.2:
            values["category_id"] = random.choice(catalogue.LEAVES).category_id
        stories.append(((Change("products", (product,), values),),))
    return stories


def _categories(random: Random, present: Sequence[KnownCategory], share: float) -> list[Story]:
    """One is renamed, one hidden or shown again, one deleted, unless several are gone; each of those may come back."""
    known = {category.category_id for category in present}
    gone = [category for category in catalogue.LEAVES if category.category_id not in known]
    free = [category for category in present if category.category_id % RESERVED]
    changes = [renamed, _toggled, *([_deleted] if len(gone) < _MOST_GONE else [])]
    chosen = random.sample(free, min(len(free), len(changes)))
    stories: list[Story] = [
        ((change(random, category),),)
        for change, category in zip(changes, chosen, strict=False)
        if random.random() < share
    ]
    back = [category for category in gone if random.random() < share / 2]
    return stories + [((inserted("product_categories", category),),) for category in back]


def renamed(random: Random, category: KnownCategory) -> Change:
    """A category gets another name."""
    before = catalogue.CATEGORIES[category.category_id - 1].name
    name = f"{before} {random.choice(('neu', '(sale)', '& more', 'für alle', '2.0'))}"
    return Change("product_categories", (category.category_id,), {"name": name})


def _toggled(_random: Random, category: KnownCategory) -> Change:
    return Change("product_categories", (category.category_id,), {"is_visible": not category.is_visible})


def _deleted(_random: Random, category: KnownCategory) -> Change:
    return Change("product_categories", (category.category_id,), None)


def _gifts(random: Random, items: Sequence[KnownItem], pace: Pace) -> list[Story]:
    count = min(len(items), pace.count(random, history.ORDERS // 20))
    return [
        ((Change("order_items", (item.order_id, item.line_number), {"is_gift": not item.is_gift}),),)
        for item in random.sample(items, count)
    ]


def _levels(random: Random, levels: Sequence[KnownLevel], pace: Pace, at: int) -> list[Story]:
    """A tenth of the levels are written on a day."""
    wanted = len(levels) * pace.of_those_seen / 10
    count = int(wanted + random.random()) if pace.share < 1 else max(1, round(wanted))
    return [((written(random, level, at),),) for level in random.sample(levels, min(len(levels), count))]


def written(random: Random, level: KnownLevel, at: int) -> Change:
    """Goods come in, go out, or are counted."""
    on_hand = max(0, level.on_hand + random.randrange(-30, 40))
    values: dict[str, Any] = {"on_hand": on_hand, "reserved": min(on_hand, random.randrange(8))}
    if random.random() < 0.3:
        values["counted_on"] = world.moment(at).date()
    if random.random() < 0.1:
        values["reorder_point"] = random.choice((None, 0, 10, 25))
    return Change("inventory_levels", (level.warehouse_code, level.product_id), values)
