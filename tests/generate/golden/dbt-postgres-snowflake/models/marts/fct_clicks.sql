{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['click_id'],
    on_schema_change='append_new_columns',
    cluster_by=['clicked_day'],
) }}

select
    staged.click_id,
    staged.user_id,
    staged.event_type,
    staged.clicked_at,
    staged.clicked_day
from {{ ref('stg_example__clicks') }} as staged
where {{ recent(['click_id']) }}
