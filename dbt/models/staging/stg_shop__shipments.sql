with newest as (
    {{ current_rows(source('bronze_shop', 'shipments'), key=['shipment_id']) }}
)

select
    shipment_id,
    order_id,
    carrier,
    promised_on,
    deliver_after,
    is_signed,
    shipped_at,
    {{ utc_day('shipped_at') }} as shipment_day,
    delivered_at,
    transit,
    updated_at,
    _extracted_at
from newest
