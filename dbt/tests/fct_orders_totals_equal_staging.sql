-- No order of the run's days is missing, doubled or altered on its way from staging, to the cent.
{{ config(meta={'dagster': {'ref': {'name': 'fct_orders'}}}) }}

with expected as (
    select
        order_day,
        currency,
        count(*) as orders,
        sum(gross_amount) as gross_amount,
        sum(gross_amount - discount_amount) as net_amount
    from (select *, {{ utc_day('ordered_at') }} as order_day from {{ ref('stg_shop__orders') }})
    where {{ in_window('order_day') }}
    group by order_day, currency
),

found as (
    select
        order_day,
        currency,
        count(*) as orders,
        sum(gross_amount) as gross_amount,
        sum(net_amount) as net_amount
    from {{ ref('fct_orders') }}
    where {{ in_window('order_day') }}
    group by order_day, currency
)

(select 'expected' as side, * from expected except all select 'expected', * from found)
union all
(select 'found' as side, * from found except all select 'found', * from expected)
