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
            'bronze.shop.customers': days_of_changed_dimension(
                'bronze_shop.orders', key='customer_id', at='ordered_at', dimension='bronze_shop.customers'
            ),
        },
    }},
) }}

with orders as (
    select *
    from {{ ref('stg_shop__orders') }}
    where {{ only_window('ordered_at') }}
),

joined as (
    select
        orders.*,
        {{ as_of_value('customer', 'customer_key', at='orders.ordered_at') }} as customer_key
    from orders
    {{ left_join_as_of(
        ref('dim_customers'),
        alias='customer',
        on='orders.customer_id = customer.customer_id',
        at='orders.ordered_at'
    ) }}
)

select
    order_id,
    order_ref,
    {{ utc_day('ordered_at') }} as order_day,
    coalesce(customer_key, '-1') as customer_key,
    customer_id,
    order_status,
    currency,
    cast(gross_amount as decimal(12, 2)) as gross_amount,
    cast(discount_amount as decimal(12, 2)) as discount_amount,
    cast(gross_amount - discount_amount as decimal(12, 2)) as net_amount,
    cast(coalesce(len(coupon_codes), 0) as integer) as coupons,
    ordered_at,
    shipped_at,
    cast(date_diff('second', ordered_at, shipped_at) / 3600.0 as decimal(12, 2)) as hours_to_ship
from joined
