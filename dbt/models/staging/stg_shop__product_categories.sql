with newest as (
    {{ current_rows(ref('stg_shop__product_categories_history'), key=['category_id']) }}
)

select
    category_id,
    parent_id,
    slug,
    category_name,
    is_visible,
    sort_order,
    return_period,
    _extracted_at
from newest
