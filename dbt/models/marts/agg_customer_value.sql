{{ config(materialized='table', meta={'dataeng': {'published': true}}) }}

select
    customer_id,
    currency,
    count(*) as orders,
    count(*) filter (where order_status = 'cancelled') as cancelled_orders,
    count(*) filter (where order_status = 'returned') as returned_orders,
    cast(
        count(*) filter (where order_status = 'returned')
        / nullif(count(*) filter (where order_status <> 'cancelled'), 0)
        as decimal(7, 6)
    ) as returned_share,
    cast(
        coalesce(sum(net_amount) filter (where order_status not in ('cancelled', 'returned')), 0) as decimal(18, 2)
    ) as net_revenue,
    cast(
        avg(net_amount) filter (where order_status not in ('cancelled', 'returned')) as decimal(12, 2)
    ) as mean_order_value,
    min(order_day) as first_order_day,
    max(order_day) as last_order_day
from {{ ref('fct_orders') }}
group by customer_id, currency
