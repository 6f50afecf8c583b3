select
    window_start,
    window_end,
    event_type,
    records,
    events,
    unique_users
from {{ source('silver_events', 'user_events_5m') }}
