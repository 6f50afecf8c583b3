-- an event may have been delivered more than once: the first one by its time counts
with numbered as (
    select
        click_id,
        user_id,
        event_type,
        clicked_at,
        to_date(convert_timezone('UTC', clicked_at)) as clicked_day,
        row_number() over (partition by click_id order by clicked_at) as delivery
    from {{ source('example', 'clicks') }}
)

select
    click_id,
    user_id,
    event_type,
    clicked_at,
    clicked_day
from numbered
where delivery = 1
