select
    category_id,
    parent_id,
    slug,
    name as category_name,
    is_visible,
    sort_order,
    return_period,
    _op,
    _row_hash,
    _extracted_at
from {{ source('bronze_shop', 'product_categories') }}
