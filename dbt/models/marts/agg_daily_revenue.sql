{{ config(
    materialized='incremental',
    incremental_strategy='replace_range',
    on_schema_change='append_new_columns',
    tags=['daily'],
    meta={'dataeng': {'partition': 'order_day', 'published': true}},
) }}

with orders as (
    select
        *,
        order_status not in ('cancelled', 'returned') as is_kept
    from {{ ref('fct_orders') }}
    where {{ only_window('order_day') }}
)

select
    orders.order_day,
    orders.currency,
    customers.country,
    count(*) as orders,
    count(*) filter (where orders.order_status = 'cancelled') as cancelled_orders,
    count(*) filter (where orders.order_status = 'returned') as returned_orders,
    cast(coalesce(sum(orders.gross_amount) filter (where orders.is_kept), 0) as decimal(18, 2)) as gross_amount,
    cast(coalesce(sum(orders.discount_amount) filter (where orders.is_kept), 0) as decimal(18, 2)) as discount_amount,
    cast(coalesce(sum(orders.net_amount) filter (where orders.is_kept), 0) as decimal(18, 2)) as net_amount
from orders
left join {{ ref('dim_customers') }} as customers on orders.customer_key = customers.customer_key
group by orders.order_day, orders.currency, customers.country
