with newest as (
    {{ current_rows(ref('stg_shop__inventory_levels_history'), key=['warehouse_code', 'product_id']) }}
)

select
    warehouse_code,
    product_id,
    on_hand,
    reserved,
    reorder_point,
    counted_on,
    updated_at,
    _extracted_at
from newest
