-- No order of the run's days is missing, doubled or altered on its way from staging, to the cent.
{{ config(meta={'dagster': {'ref': {'name': 'fct_orders'}}}) }}

with orders as (
    select
        'staging' as side,
        {{ utc_day('ordered_at') }} as order_day,
        currency,
        gross_amount,
        gross_amount - discount_amount as net_amount
    from {{ ref('stg_shop__orders') }}
    where {{ in_window('ordered_at') }}

    union all

    select
        'fct_orders' as side,
        order_day,
        currency,
        gross_amount,
        net_amount
    from {{ ref('fct_orders') }}
    where {{ in_window('order_day') }}
)

select
    order_day,
    currency
from orders
group by order_day, currency
having
    count(*) filter (where side = 'staging') <> count(*) filter (where side = 'fct_orders')
    or coalesce(sum(gross_amount) filter (where side = 'staging'), 0)
    <> coalesce(sum(gross_amount) filter (where side = 'fct_orders'), 0)
    or coalesce(sum(net_amount) filter (where side = 'staging'), 0)
    <> coalesce(sum(net_amount) filter (where side = 'fct_orders'), 0)
