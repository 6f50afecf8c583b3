{{ config(materialized='table') }}

with days as (
    select cast(calendar.midnight as date) as date_day
    from generate_series(timestamp '2000-01-01', timestamp '2049-12-31', interval 1 day) as calendar (midnight)
)

select
    date_day,
    cast(extract(year from date_day) as integer) as year_number,
    cast(extract(quarter from date_day) as integer) as quarter_of_year,
    cast(extract(month from date_day) as integer) as month_of_year,
    cast(extract(day from date_day) as integer) as day_of_month,
    cast(extract(doy from date_day) as integer) as day_of_year,
    cast(extract(isodow from date_day) as integer) as day_of_week,
    cast(extract(isoyear from date_day) as integer) as iso_year,
    cast(extract(week from date_day) as integer) as iso_week,
    strftime(date_day, '%G-W%V') as iso_week_label,
    extract(year from date_day) || '-Q' || extract(quarter from date_day) as quarter_label,
    strftime(date_day, '%Y-%m') as month_label,
    strftime(date_day, '%B') as month_name,
    strftime(date_day, '%A') as day_name,
    cast(date_trunc('week', date_day) as date) as first_day_of_week,
    cast(date_trunc('month', date_day) as date) as first_day_of_month,
    last_day(date_day) as last_day_of_month,
    extract(isodow from date_day) >= 6 as is_weekend,
    extract(day from date_day) = 1 as is_first_of_month,
    date_day = last_day(date_day) as is_last_of_month
from days
