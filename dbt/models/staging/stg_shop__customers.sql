with newest as (
    {{ current_rows(ref('stg_shop__customers_history'), key=['customer_id']) }}
)

select
    customer_id,
    public_id,
    email,
    full_name,
    country,
    city,
    tier,
    marketing_consent,
    preferences,
    tags,
    created_at,
    updated_at,
    _extracted_at
from newest
