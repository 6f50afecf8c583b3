with newest as (
    {{ current_rows(source('bronze_shop', 'order_items'), key=['order_id', 'line_number']) }}
)

select
    order_id,
    line_number,
    product_id,
    quantity,
    unit_price,
    line_amount,
    is_gift,
    updated_at,
    _extracted_at
from newest
