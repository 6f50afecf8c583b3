{{ config(
    materialized='incremental',
    incremental_strategy='replace_range',
    on_schema_change='append_new_columns',
    tags=['daily'],
    meta={'dataeng': {
        'partition': 'payment_day',
        'touched': {
            'bronze.shop.payments': days_of_changed_rows(
                'bronze_shop.payments', key=['payment_id', 'created_at'], at='created_at'
            ),
            'bronze.shop.orders': days_of_changed_rows('bronze_shop.payments', key=['order_id'], at='created_at'),
            'bronze.shop.customers': days_of_changed_dimension(
                '(
                    select orders.customer_id, payments.created_at
                    from bronze_shop.payments as payments
                    inner join bronze_shop.orders as orders on payments.order_id = orders.order_id
                )',
                key='customer_id', at='created_at', dimension='bronze_shop.customers'
            ),
        },
    }},
) }}

with payments as (
    select
        payments.*,
        orders.customer_id
    from {{ ref('stg_shop__payments') }} as payments
    left join {{ ref('stg_shop__orders') }} as orders on payments.order_id = orders.order_id
    where {{ only_window('payment_day') }}
),

joined as (
    select
        payments.*,
        {{ as_of_value('customer', 'customer_key', at='payments.created_at') }} as customer_key
    from payments
    {{ left_join_as_of(
        ref('dim_customers'),
        alias='customer',
        on='payments.customer_id = customer.customer_id',
        at='payments.created_at'
    ) }}
)

select
    payment_id,
    payment_day,
    order_id,
    coalesce(customer_key, '-1') as customer_key,
    payment_method,
    payment_status,
    currency,
    cast(amount as decimal(12, 2)) as amount,
    cast(case when payment_status in ('captured', 'refunded') then amount else 0 end as decimal(12, 2))
        as received_amount,
    created_at
from joined
