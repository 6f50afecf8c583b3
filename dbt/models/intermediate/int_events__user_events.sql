with delivered as (
    select
        *,
        false as is_late
    from {{ ref('stg_events__user_events') }}

    union all by name

    select
        *,
        true as is_late
    from {{ ref('stg_events__user_events_late') }}
),

numbered as (
    select
        *,
        -- by day as well, so that whoever wants few days reads their files only
        row_number() over (partition by event_date, event_id order by _kafka_partition, _kafka_offset) as _delivery
    from delivered
)

select
    event_id,
    customer_id,
    event_type,
    occurred_at,
    event_date,
    is_late
from numbered
where _delivery = 1
