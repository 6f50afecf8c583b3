{{ config(
    materialized='incremental',
    incremental_strategy='replace_versions',
    unique_key=['product_id'],
    on_schema_change='append_new_columns',
    meta={'dataeng': {'published': true}},
) }}

with versions as (
    {{ scd2(
        history=ref('stg_shop__products_history'),
        entity='product',
        key=['product_id'],
        columns={
            'sku': 1,
            'product_name': 1,
            'category_id': 2,
            'price': 2,
            'is_active': 2,
            'weight_grams': 1,
            'created_at': 1,
        },
        first_from='1900-01-01 00:00:00+00',
    ) }}
)

select
    product_key,
    product_id,
    sku,
    product_name,
    category_id,
    price,
    is_active,
    weight_grams,
    created_at,
    valid_from,
    valid_to,
    is_current,
    _history
from versions

{% if not is_incremental() -%}
union all

-- the product of facts that have none
select
    '-1' as product_key,
    null as product_id,
    'unknown' as sku,
    'unknown' as product_name,
    null as category_id,
    null as price,
    null as is_active,
    null as weight_grams,
    null as created_at,
    timestamptz '1900-01-01 00:00:00+00' as valid_from,
    null as valid_to,
    true as is_current,
    null as _history
{%- endif %}
