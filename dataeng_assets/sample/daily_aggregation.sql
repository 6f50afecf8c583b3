-- Revenue of each day and region of one year, as somebody wrote it in a hurry.
select *
from (
    select
        cast(sold_at as date) as sale_day,
        region,
        count(distinct order_id) as orders,
        sum(amount) as revenue
    from sales
    where year(sold_at) = 2026
    group by cast(sold_at as date), region
) as daily
where upper(region) = 'NORTH' or region like '%st'
order by sale_day, region
