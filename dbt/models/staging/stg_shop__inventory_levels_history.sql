select
    warehouse_code,
    product_id,
    on_hand,
    reserved,
    reorder_point,
    counted_on,
    updated_at,
    _op,
    _row_hash,
    _extracted_at
from {{ source('bronze_shop', 'inventory_levels') }}
