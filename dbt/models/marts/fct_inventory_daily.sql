{%- set days_of_products -%}
(
    select
        product_id,
        {{ utc_day_end("unnest(generate_series(first_day, " ~ utc_today() ~ ", interval '1 day'))") }} as day_end
    from (
        select product_id, min({{ utc_day('least(updated_at, _extracted_at)') }}) as first_day
        from bronze_shop.inventory_levels
        group by product_id
    )
)
{%- endset -%}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_range',
    on_schema_change='append_new_columns',
    tags=['daily'],
    meta={'dataeng': {
        'partition': 'inventory_day',
        'every_day': true,
        'touched': {
            'bronze.shop.inventory_levels': days_since_change(),
            'bronze.shop.products': days_of_changed_dimension(
                days_of_products, key='product_id', at='day_end', dimension='bronze_shop.products'
            ),
        },
    }},
) }}

with days as (
    select date_day as inventory_day
    from {{ ref('dim_dates') }}
    where {{ only_window('date_day') }} and date_day <= {{ utc_today() }}
),

versions as (
    select
        *,
        -- a version is the day's last one if it holds until the day is over
        {{ utc_day('valid_from') }} as first_day,
        coalesce({{ utc_day('valid_to') }}, {{ utc_today() }} + 1) as first_day_after
    from {{ ref('int_shop__inventory_versions') }}
),

levels as (
    select
        days.inventory_day,
        {{ utc_day_end('days.inventory_day') }} as day_end,
        versions.*
    from versions
    inner join days on versions.first_day <= days.inventory_day and versions.first_day_after > days.inventory_day
),

joined as (
    select
        levels.*,
        {{ as_of_value('product', 'product_key', at='levels.day_end') }} as product_key
    from levels
    {{ left_join_as_of(
        ref('dim_products'),
        alias='product',
        on='levels.product_id = product.product_id',
        at='levels.day_end'
    ) }}
)

select
    inventory_day,
    warehouse_code,
    coalesce(product_key, '-1') as product_key,
    product_id,
    on_hand,
    reserved,
    on_hand - reserved as available,
    reorder_point,
    on_hand - reserved <= reorder_point as below_reorder_point,
    counted_on,
    cast(inventory_day - counted_on as integer) as days_since_count
from joined
