with newest as (
    {{ current_rows(source('bronze_shop', 'payments'), key=['payment_id', 'created_at']) }}
)

select
    payment_id,
    created_at,
    {{ utc_day('created_at') }} as payment_day,
    order_id,
    method as payment_method,
    status as payment_status,
    amount,
    currency,
    receipt,
    updated_at,
    _extracted_at
from newest
