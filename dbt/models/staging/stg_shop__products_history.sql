select
    product_id,
    sku,
    name as product_name,
    category_id,
    price,
    weight_grams,
    attributes,
    is_active,
    created_at,
    updated_at,
    _op,
    _row_hash,
    _extracted_at
from {{ source('bronze_shop', 'products') }}
