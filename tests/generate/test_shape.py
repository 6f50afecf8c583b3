"""What a table becomes in a warehouse, from its names and types."""

from pathlib import Path

import pytest

from dataeng_assets.contracts.model import Column, Contract
from dataeng_assets.contracts.types import postgres_type
from dataeng_assets.generate.pipeline import Table
from dataeng_assets.generate.request import Mode
from dataeng_assets.generate.shape import Role, Shaped

CLOCK = "timestamp with time zone"


def shaped(table: str, key: tuple[str, ...] = ("id",), **types: str) -> Shaped:
    columns = tuple(
        Column(one, postgres_type(kind.removesuffix("?")), kind, kind.endswith("?"), False, "")
        for one, kind in {**dict.fromkeys(key, "bigint"), **types, "updated_at": CLOCK}.items()
    )
    contract = Contract(Path(), table, table, "1", "", "data", "shop", (), columns, key)
    return Shaped(Table(contract, "shop", Mode.INCREMENTAL, "updated_at", ""), "shop")


@pytest.mark.parametrize(
    ("table", "role"),
    [
        (shaped("orders", customer_id="bigint", ordered_at=CLOCK), Role.FACT),
        (shaped("payments", order_id="bigint", amount="numeric(12,2)", created_at=CLOCK), Role.FACT),
        (shaped("customers", name="text", created_at=CLOCK), Role.DIMENSION),
        (shaped("products", category_id="bigint", price="numeric(12,2)", created_at=CLOCK), Role.DIMENSION),
        (shaped("parcels", shipped_at=f"{CLOCK}?"), Role.DIMENSION),  # may be NULL: of no day
        (shaped("visits", visited_at="timestamp without time zone"), Role.DIMENSION),  # of no known UTC day
        (shaped("order_items", ("order_id", "line"), quantity="integer"), Role.STAGED),
    ],
    ids=lambda one: one.model if isinstance(one, Shaped) else "",
)
def test_the_role_of_a_table(table: Shaped, role: Role) -> None:
    assert table.role is role


def test_names_are_plain_and_never_twice() -> None:
    types = {
        "Full Name": "text", "full_name": "text", "order": "text", "status": "text", "1st": "text",
        "customerID": "text", "valid_from": "text", "customer_key": "text", "Größe": "text",
    }  # fmt: skip
    names = shaped("customers", **types).names
    assert list(names.values()) == [
        "id", "full_name", "full_name_2", "customer_order", "customer_status", "customer_1st", "customer_id",
        "customer_valid_from", "customer_customer_key", "gr_e", "updated_at",
    ]  # fmt: skip


def test_the_day_is_called_like_its_instant_unless_that_is_a_column() -> None:
    assert shaped("orders", ordered_at=CLOCK).day == "ordered_day"
    assert shaped("orders", ordered_at=CLOCK, ordered_day="date").day == "utc_ordered_day"


@pytest.mark.parametrize(
    ("table", "entity"),
    [("customers", "customer"), ("categories", "category"), ("boxes", "box"), ("address", "address"),
     ("Orders", "order"), ("news", "new"), ("bus", "bus")],
)  # fmt: skip
def test_one_row_is_called_in_the_singular(table: str, entity: str) -> None:
    assert shaped(table).entity == entity
