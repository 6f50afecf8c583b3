{{ config(
    materialized='incremental',
    incremental_strategy='replace_range',
    on_schema_change='append_new_columns',
    tags=['daily'],
    meta={'dataeng': {
        'partition': 'order_day',
        'published': true,
        'touched': {
            'bronze.shop.orders': days_of_changed_rows('bronze_shop.orders', key=['order_id'], at='ordered_at'),
            'bronze.shop.order_items': days_of_changed_rows('bronze_shop.orders', key=['order_id'], at='ordered_at'),
            'bronze.shop.customers': days_of_changed_dimension(
                'bronze_shop.orders', key='customer_id', at='ordered_at', dimension='bronze_shop.customers'
            ),
        },
    }},
) }}

with orders as (
    select *
    from {{ ref('stg_shop__orders') }}
    where {{ only_window('order_day') }}
),

items as (
    select
        order_id,
        count(*) as line_items,
        sum(quantity) as pieces
    from {{ ref('stg_shop__order_items') }}
    where order_id in (select orders.order_id from orders)
    group by order_id
),

joined as (
    select
        orders.*,
        items.line_items,
        items.pieces,
        {{ as_of_value('customer', 'customer_key', at='orders.ordered_at') }} as customer_key
    from orders
    {{ left_join_as_of(
        ref('dim_customers'),
        alias='customer',
        on='orders.customer_id = customer.customer_id',
        at='orders.ordered_at'
    ) }}
    left join items on orders.order_id = items.order_id
)

select
    order_id,
    order_ref,
    order_day,
    coalesce(customer_key, '-1') as customer_key,
    customer_id,
    order_status,
    currency,
    cast(gross_amount as decimal(12, 2)) as gross_amount,
    cast(discount_amount as decimal(12, 2)) as discount_amount,
    cast(gross_amount - discount_amount as decimal(12, 2)) as net_amount,
    cast(coalesce(line_items, 0) as integer) as line_items,
    cast(coalesce(pieces, 0) as integer) as pieces,
    cast(coalesce(len(coupon_codes), 0) as integer) as coupons,
    ordered_at,
    shipped_at,
    cast(date_diff('second', ordered_at, shipped_at) / 3600.0 as decimal(12, 2)) as hours_to_ship
from joined
