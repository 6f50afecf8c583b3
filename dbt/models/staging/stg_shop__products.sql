with newest as (
    {{ current_rows(source('bronze_shop', 'products'), key=['product_id']) }}
)

select
    product_id,
    sku,
    name as product_name,
    category,
    price,
    weight_grams,
    attributes,
    is_active,
    created_at,
    updated_at,
    _extracted_at
from newest
