{{ config(
    materialized='incremental',
    incremental_strategy='replace_range',
    on_schema_change='append_new_columns',
    tags=['daily'],
    meta={'dataeng': {
        'partition': 'shipment_day',
        'touched': {
            'bronze.shop.shipments': days_of_changed_rows(
                'bronze_shop.shipments', key=['shipment_id'], at='shipped_at'
            ),
        },
    }},
) }}

with shipments as (
    select
        *,
        {{ utc_day('delivered_at') }} - promised_on as days_late
    from {{ ref('stg_shop__shipments') }}
    where {{ only_window('shipment_day') }}
)

select
    shipment_id,
    shipment_day,
    order_id,
    carrier,
    promised_on,
    is_signed,
    shipped_at,
    delivered_at,
    cast(date_diff('second', shipped_at, delivered_at) / 3600.0 as decimal(12, 2)) as hours_in_transit,
    cast(days_late as integer) as days_late,
    days_late > 0 as is_late
from shipments
