"""The tables of the shop, as Postgres holds them, and the Arrow types in which the truth records them.

What is in the tables belongs in `history` and `life`, what was done to them in `marker`.
"""

import pyarrow as pa

SCHEMA = "shop"
TABLES = ("customers", "products", "orders")

# loaded first; the trigger follows after the history, whose rows bring their own `updated_at`
CREATE_TABLES = """
create schema shop;
create type shop.customer_tier as enum ('basic', 'silver', 'gold');
create type shop.order_status as enum ('placed', 'paid', 'shipped', 'delivered', 'cancelled', 'returned');

create table shop.customers (
    customer_id bigint generated always as identity primary key,
    public_id uuid not null,
    email text not null,
    full_name text not null,
    country text not null,
    city text not null,
    tier shop.customer_tier not null,
    marketing_consent boolean,
    preferences jsonb,
    tags text[] not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.products (
    product_id bigint generated always as identity primary key,
    sku text not null,
    name text not null,
    category text not null,
    price numeric(12,2) not null,
    weight_grams integer,
    attributes jsonb not null,
    is_active boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table shop.orders (
    order_id bigint generated always as identity primary key,
    order_ref uuid not null,
    customer_id bigint not null,
    status shop.order_status not null,
    currency text not null,
    total_amount numeric(12,2) not null,
    discount_amount numeric(12,2),
    coupon_codes text[],
    shipping_address jsonb not null,
    note text,
    ordered_at timestamptz not null,
    shipped_at timestamptz,
    updated_at timestamptz not null
);
"""

CREATE_CLOCK = """
create function shop.touch() returns trigger language plpgsql as $$
begin
    new.updated_at := coalesce(nullif(current_setting('shop.clock', true), '')::timestamptz, now());
    return new;
end
$$;
create trigger touch before insert or update on shop.customers for each row execute function shop.touch();
create trigger touch before insert or update on shop.products for each row execute function shop.touch();
create trigger touch before insert or update on shop.orders for each row execute function shop.touch();
create index on shop.customers (updated_at);
create index on shop.products (updated_at);
create index on shop.orders (updated_at);
"""

_TIME = pa.timestamp("us", tz="UTC")
_MONEY = pa.decimal128(12, 2)
_TEXTS = pa.list_(pa.string())


def typed(**types: pa.DataType) -> pa.Schema:
    """An Arrow schema from names and types."""
    return pa.schema(types)


ARROW: dict[str, pa.Schema] = {
    "customers": typed(
        customer_id=pa.int64(),
        public_id=pa.string(),
        email=pa.string(),
        full_name=pa.string(),
        country=pa.string(),
        city=pa.string(),
        tier=pa.string(),
        marketing_consent=pa.bool_(),
        preferences=pa.string(),
        tags=_TEXTS,
        created_at=_TIME,
        updated_at=_TIME,
    ),
    "products": typed(
        product_id=pa.int64(),
        sku=pa.string(),
        name=pa.string(),
        category=pa.string(),
        price=_MONEY,
        weight_grams=pa.int32(),
        attributes=pa.string(),
        is_active=pa.bool_(),
        created_at=_TIME,
        updated_at=_TIME,
    ),
    "orders": typed(
        order_id=pa.int64(),
        order_ref=pa.string(),
        customer_id=pa.int64(),
        status=pa.string(),
        currency=pa.string(),
        total_amount=_MONEY,
        discount_amount=_MONEY,
        coupon_codes=_TEXTS,
        shipping_address=pa.string(),
        note=pa.string(),
        ordered_at=_TIME,
        shipped_at=_TIME,
        updated_at=_TIME,
    ),
}

# types that Postgres does not take from an untyped text parameter, and that the truth records as text
_TEXTUAL = {
    "public_id": "uuid",
    "order_ref": "uuid",
    "tier": "shop.customer_tier",
    "status": "shop.order_status",
    "preferences": "jsonb",
    "attributes": "jsonb",
    "shipping_address": "jsonb",
    "tags": "text[]",
    "coupon_codes": "text[]",
}


def key_of(table: str) -> str:
    """Name of the primary key's column."""
    return ARROW[table].names[0]


def parameter(column: str) -> str:
    """The placeholder of a column in an INSERT or UPDATE, with its type where Postgres needs it."""
    return f"%s::{_TEXTUAL[column]}" if column in _TEXTUAL else "%s"


def projection(table: str) -> str:
    """The columns of a table as the truth records them, for SELECT and RETURNING: uuid, enum and jsonb as text."""
    names = ARROW[table].names
    return ", ".join(
        f"{name}::text" if name in _TEXTUAL and not _TEXTUAL[name].endswith("[]") else name for name in names
    )
