with newest as (
    {{ current_rows(ref('stg_shop__products_history'), key=['product_id']) }}
)

select
    product_id,
    sku,
    product_name,
    category_id,
    price,
    weight_grams,
    attributes,
    is_active,
    created_at,
    updated_at,
    _extracted_at
from newest
