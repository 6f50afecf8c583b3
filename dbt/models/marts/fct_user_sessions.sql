{%- set deliveries -%}
(
    select event_id, event_date, user_id as customer_id, timestamp
    from bronze_events.user_events
    where user_id is not null
    union all
    select event_id, event_date, user_id as customer_id, timestamp
    from bronze_events.user_events_late
    where user_id is not null
)
{%- endset -%}
{#-
    An event can continue a session that started less than 24 hours before it, and can take away the start of one less
    than 30 minutes after it. Where it is a second delivery, that counts for the first one, too.
-#}
{%- set near_days = days_near_changed_rows(
    deliveries, key=['event_date', 'event_id'], at='timestamp', before='24 hours', after='30 minutes'
) -%}
{{ config(
    materialized='incremental',
    incremental_strategy='replace_range',
    on_schema_change='append_new_columns',
    tags=['daily'],
    meta={'dataeng': {
        'partition': 'session_day',
        'touched': {
            'bronze.events.user_events': near_days,
            'bronze.events.user_events_late': near_days,
            'bronze.shop.customers': days_of_changed_dimension(
                deliveries, key='customer_id', at='timestamp', dimension='bronze_shop.customers'
            ),
        },
    }},
) }}

-- The day before tells whether an event begins a session, the day after has the rest of sessions over midnight.
with events as (
    select *
    from {{ ref('int_events__user_events') }}
    where
        customer_id is not null
        and {{ near_window('event_date', days_before=1, days_after=1) }}
),

marked as (
    select
        *,
        coalesce(occurred_at - lag(occurred_at) over in_order >= interval 30 minutes, true) as begins
    from events
    window in_order as (partition by customer_id order by occurred_at, event_id)
),

numbered as (
    select
        *,
        count(*) filter (where begins) over (
            partition by customer_id
            order by occurred_at, event_id
            rows unbounded preceding
        ) as session_number
    from marked
),

placed as (
    select
        *,
        min(occurred_at) over (partition by customer_id, session_number) as started_at
    from numbered
),

sessions as (
    select
        customer_id,
        started_at,
        max(occurred_at) as last_event_at,
        count(*) as events,
        count(*) filter (where event_type = 'page_view') as page_views,
        count(*) filter (where event_type = 'click') as clicks,
        count(*) filter (where event_type = 'add_to_cart') as add_to_carts,
        count(*) filter (where event_type = 'purchase') as purchases,
        count(*) filter (where is_late) as late_events
    from placed
    where occurred_at < started_at + interval 24 hours
    group by customer_id, session_number, started_at
),

joined as (
    select
        sessions.*,
        {{ utc_day('sessions.started_at') }} as session_day,
        {{ as_of_value('customer', 'customer_key', at='sessions.started_at') }} as customer_key
    from sessions
    {{ left_join_as_of(
        ref('dim_customers'),
        alias='customer',
        on='sessions.customer_id = customer.customer_id',
        at='sessions.started_at'
    ) }}
)

select
    md5(customer_id || ' ' || {{ microseconds('started_at') }}) as session_id,
    session_day,
    coalesce(customer_key, '-1') as customer_key,
    customer_id,
    started_at,
    last_event_at,
    cast(({{ microseconds('last_event_at') }} - {{ microseconds('started_at') }}) // 1000000 as integer) as seconds,
    events,
    page_views,
    clicks,
    add_to_carts,
    purchases,
    late_events
from joined
where {{ only_window('session_day') }}
