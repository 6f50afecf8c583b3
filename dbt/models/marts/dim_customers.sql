{{ config(
    materialized='incremental',
    incremental_strategy='replace_versions',
    unique_key=['customer_id'],
    on_schema_change='append_new_columns',
) }}

with versions as (
    {{ scd2(
        history=ref('stg_shop__customers_history'),
        entity='customer',
        key=['customer_id'],
        columns={
            'public_id': 1,
            'email': 1,
            'full_name': 1,
            'country': 2,
            'city': 2,
            'tier': 2,
            'marketing_consent': 1,
            'created_at': 1,
        },
        first_from='1900-01-01 00:00:00+00',
    ) }}
)

select
    customer_key,
    customer_id,
    public_id,
    email,
    full_name,
    country,
    city,
    tier,
    marketing_consent,
    created_at,
    valid_from,
    valid_to,
    is_current,
    _history
from versions

{% if not is_incremental() -%}
union all

-- the customer of facts that have none
select
    '-1' as customer_key,
    null as customer_id,
    null as public_id,
    null as email,
    null as full_name,
    'unknown' as country,
    'unknown' as city,
    'unknown' as tier,
    null as marketing_consent,
    null as created_at,
    timestamptz '1900-01-01 00:00:00+00' as valid_from,
    null as valid_to,
    true as is_current,
    null as _history
{%- endif %}
