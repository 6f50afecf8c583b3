with numbered as (
    select
        *,
        row_number() over (partition by event_date, event_id order by _kafka_partition, _kafka_offset) as _delivery
    from {{ source('bronze_events', 'user_events') }}
)

select
    event_id,
    user_id as customer_id,
    event_type,
    timestamp as occurred_at,
    event_date,
    properties,
    _kafka_partition,
    _kafka_offset,
    _ingested_at
from numbered
where _delivery = 1
