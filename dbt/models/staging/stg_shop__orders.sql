with newest as (
    {{ current_rows(source('bronze_shop', 'orders'), key=['order_id']) }}
)

select
    order_id,
    order_ref,
    customer_id,
    status as order_status,
    currency,
    total_amount as gross_amount,
    coalesce(discount_amount, 0) as discount_amount,
    coupon_codes,
    shipping_address,
    note,
    ordered_at,
    {{ utc_day('ordered_at') }} as order_day,
    shipped_at,
    updated_at,
    _extracted_at
from newest
