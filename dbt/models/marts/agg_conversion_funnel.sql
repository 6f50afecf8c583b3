{{ config(
    materialized='incremental',
    incremental_strategy='replace_range',
    on_schema_change='append_new_columns',
    tags=['daily'],
    meta={'dataeng': {'partition': 'session_day', 'published': true}},
) }}

with counted as (
    select
        session_day,
        count(*) as sessions,
        count(*) filter (where page_views > 0) as sessions_with_page_view,
        count(*) filter (where add_to_carts > 0) as sessions_with_cart,
        count(*) filter (where purchases > 0) as sessions_with_purchase
    from {{ ref('fct_user_sessions') }}
    where {{ only_window('session_day') }}
    group by session_day
)

select
    session_day,
    sessions,
    sessions_with_page_view,
    sessions_with_cart,
    sessions_with_purchase,
    cast(sessions_with_page_view / sessions as decimal(7, 6)) as page_view_rate,
    cast(sessions_with_cart / sessions as decimal(7, 6)) as cart_rate,
    cast(sessions_with_purchase / sessions as decimal(7, 6)) as purchase_rate
from counted
