"""A small bronze of the sample shop, and the warehouse over it."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from dbt_runs import Warehouse
from deltalake import write_deltalake

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.lake.location import Lake
from dataeng_assets.settings import ROOT

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")
DEFS = ROOT / "dataeng_assets" / "defs"
SHOP_COLUMNS = [
    pa.field("_op", pa.string()),
    pa.field("_row_hash", pa.int64()),
    pa.field("_extracted_at", UTC_MICROSECONDS),
    pa.field("_run_id", pa.string()),
]
EVENT_COLUMNS = [
    pa.field("_rescued", pa.string()),
    pa.field("_kafka_partition", pa.int32()),
    pa.field("_kafka_offset", pa.int64()),
    pa.field("_kafka_timestamp", UTC_MICROSECONDS),
    pa.field("_ingested_at", UTC_MICROSECONDS),
    pa.field("_run_id", pa.string()),
    pa.field("event_date", pa.date32()),
]
WINDOW_SCHEMA = pa.schema(
    [
        ("window_start", UTC_MICROSECONDS),
        ("window_end", UTC_MICROSECONDS),
        ("event_type", pa.string()),
        ("records", pa.int64()),
        ("events", pa.int64()),
        ("unique_users", pa.int64()),
    ]
)


def at(text: str) -> datetime:
    """An instant from ISO text, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def customer(customer_id: int, updated_at: str, **changes: Any) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "public_id": f"00000000-0000-0000-0000-{customer_id:012}",
        "email": f"{customer_id}@example.org",
        "full_name": f"Customer {customer_id}",
        "country": "DE",
        "city": "Bonn",
        "tier": "basic",
        "marketing_consent": None,
        "preferences": None,
        "tags": [],
        "created_at": at("2026-01-01"),
        "updated_at": at(updated_at),
        **changes,
    }


def order(order_id: int, ordered_at: str, **changes: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "order_ref": f"11111111-0000-0000-0000-{order_id:012}",
        "customer_id": 1,
        "status": "placed",
        "currency": "EUR",
        "total_amount": Decimal("10.00"),
        "discount_amount": None,
        "coupon_codes": None,
        "shipping_address": "{}",
        "note": None,
        "ordered_at": at(ordered_at),
        "shipped_at": None,
        "updated_at": at(ordered_at),
        **changes,
    }


def category(category_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "category_id": category_id,
        "parent_id": None,
        "slug": f"category-{category_id}",
        "name": f"Category {category_id}",
        "is_visible": True,
        "sort_order": 1,
        "return_period": "P30D",
        **changes,
    }


def product(product_id: int, updated_at: str = "2026-01-01", **changes: Any) -> dict[str, Any]:
    return {
        "product_id": product_id,
        "sku": f"sku-{product_id}",
        "name": f"Product {product_id}",
        "category_id": 1,
        "price": Decimal("3.50"),
        "weight_grams": None,
        "attributes": "{}",
        "is_active": True,
        "created_at": at("2026-01-01"),
        "updated_at": at(updated_at),
        **changes,
    }


def order_item(order_id: int, line_number: int, amount: str, **changes: Any) -> dict[str, Any]:
    """One piece for the amount, if the changes say nothing else."""
    return {
        "order_id": order_id,
        "line_number": line_number,
        "product_id": 1,
        "quantity": 1,
        "unit_price": Decimal(amount),
        "line_amount": Decimal(amount),
        "is_gift": False,
        "updated_at": at("2026-01-01"),
        **changes,
    }


def payment(number: int, order_id: int, created_at: str, amount: str, **changes: Any) -> dict[str, Any]:
    return {
        "payment_id": f"22222222-0000-0000-0000-{number:012}",
        "created_at": at(created_at),
        "order_id": order_id,
        "method": "card",
        "status": "captured",
        "amount": Decimal(amount),
        "currency": "EUR",
        "receipt": None,
        "updated_at": at(created_at),
        **changes,
    }


def shipment(number: int, order_id: int, shipped_at: str, promised_on: str, **changes: Any) -> dict[str, Any]:
    return {
        "shipment_id": f"33333333-0000-0000-0000-{number:012}",
        "order_id": order_id,
        "carrier": "north",
        "promised_on": date.fromisoformat(promised_on),
        "deliver_after": None,
        "is_signed": None,
        "shipped_at": at(shipped_at),
        "delivered_at": None,
        "transit": None,
        "updated_at": at(shipped_at),
        **changes,
    }


def inventory_level(warehouse_code: str, product_id: int, updated_at: str, **changes: Any) -> dict[str, Any]:
    return {
        "warehouse_code": warehouse_code,
        "product_id": product_id,
        "on_hand": 10,
        "reserved": 2,
        "reorder_point": None,
        "counted_on": date(2026, 1, 1),
        "updated_at": at(updated_at),
        **changes,
    }


@dataclass
class Bronze:
    """Bronze tables as the extraction and the streams would have written them; each `shop` call is an extraction."""

    lake: Lake
    extracted_at: datetime = datetime(2026, 2, 1, tzinfo=UTC)

    def shop(self, table: str, rows: Iterable[Mapping[str, Any]], op: str = "upsert") -> datetime:
        """Append row versions; gives the instant of the extraction. Of a delete the key alone is kept."""
        self.extracted_at += timedelta(hours=1)
        contract = load_contract(DEFS / "shop" / "contracts" / f"{table}.yaml")
        own = {"_op": op, "_extracted_at": self.extracted_at, "_run_id": "run"}
        kept = contract.key if op == "delete" else contract.arrow_schema().names
        records = [
            {**{name: row[name] for name in kept}, **own, "_row_hash": hash(repr(sorted(row.items())))} for row in rows
        ]
        self.append(("bronze", "shop", table), records, pa.schema([*contract.arrow_schema(), *SHOP_COLUMNS]))
        return self.extracted_at

    def events(self, rows: Iterable[Mapping[str, Any]], table: str = "user_events") -> None:
        """Append events: event_id, offset, timestamp."""
        contract = load_contract(DEFS / "events" / "contracts" / "user_events.yaml")
        records = [
            {
                "user_id": 1,
                "event_type": "click",
                "properties": "{}",
                "_rescued": None,
                "_kafka_partition": 0,
                "_kafka_timestamp": row["timestamp"],
                "_ingested_at": row["timestamp"],
                "_run_id": "run",
                "event_date": row["timestamp"].date(),
                **row,
            }
            for row in rows
        ]
        schema = pa.schema([*contract.arrow_schema(), *EVENT_COLUMNS])
        self.append(("bronze", "events", table), records, schema, partition_by=["event_date"])

    def windows(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.append(("silver", "events", "user_events_5m"), list(rows), WINDOW_SCHEMA)

    def append(
        self,
        key: tuple[str, ...],
        rows: list[Mapping[str, Any]],
        schema: pa.Schema,
        partition_by: list[str] | None = None,
    ) -> None:
        nullable = pa.schema([field.with_nullable(True) for field in schema])
        table = pa.Table.from_pylist([dict(row) for row in rows], schema=nullable)
        write_deltalake(self.lake.at(key), table, mode="append", partition_by=partition_by)

    def everything(self) -> None:
        """Every table that a model reads, with little in it."""
        self.shop("customers", [customer(1, "2026-01-01")])
        self.shop("product_categories", [category(1)])
        self.shop("products", [product(1)])
        for table in ("orders", "order_items", "payments", "shipments", "inventory_levels"):
            self.shop(table, [])
        self.events([{"event_id": "a", "_kafka_offset": 0, "timestamp": at("2026-01-05T10:00:00")}])
        self.events([], "user_events_late")
        self.windows([])


@pytest.fixture
def bronze(tmp_path: Path) -> Iterator[Bronze]:
    """An empty lake in a folder whose name needs care."""
    yield Bronze(Lake(str(tmp_path / "ein Läke")))
    os.chdir(ROOT)  # dbt changes it


@pytest.fixture
def warehouse(bronze: Bronze, make_warehouse: Callable[..., Warehouse]) -> Warehouse:
    """An empty warehouse over the lake of `bronze`."""
    return make_warehouse(bronze.lake)
