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
    _op,
    _row_hash,
    _extracted_at
from {{ source('bronze_shop', 'customers') }}
