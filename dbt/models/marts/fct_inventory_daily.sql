{{ config(
    materialized='incremental',
    incremental_strategy='replace_range',
    on_schema_change='append_new_columns',
    tags=['daily'],
    meta={'dataeng': {
        'partition': 'inventory_day',
        'every_day': true,
        'touched': {'bronze.shop.inventory_levels': days_since_change()},
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
        versions.*,
        timezone('UTC', days.inventory_day + interval 1 day - interval 1 microsecond) as day_end
    from versions
    inner join days on versions.first_day <= days.inventory_day and versions.first_day_after > days.inventory_day
)

select
    inventory_day,
    warehouse_code,
    product_id,
    on_hand,
    reserved,
    on_hand - reserved as available,
    reorder_point,
    on_hand - reserved <= reorder_point as below_reorder_point,
    counted_on,
    cast(inventory_day - counted_on as integer) as days_since_count
from levels
