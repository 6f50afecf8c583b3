-- fires: wildcard-table
select event_id from `shop.web.events_*`

-- fires: nothing
select event_id from `shop.web.events_*` where _table_suffix between '20260301' and '20260307'

-- fires: star-except-cost
select * except (payload) from shop.orders

-- fires: nothing
with o as (select order_id, payload from shop.orders) select * except (payload) from o

-- fires: whole-result-sorted
select order_id from shop.orders order by ordered_at

-- fires: nothing
select status, count(*) as n from shop.orders group by status order by n desc

-- fires: limit-does-not-lower-cost
select order_id from shop.orders order by ordered_at limit 10

-- fires: nothing
select order_id from shop.orders where event_date = '2026-03-01' order by ordered_at limit 10

-- fires: clock-breaks-result-cache
select order_id from shop.orders where ordered_at > timestamp_sub(current_timestamp(), interval 1 day)

-- fires: nothing
select o.order_id, i.sku from shop.orders o, unnest(o.items) as i

-- fires: nothing
select o.order_id, i.sku from shop.orders o cross join o.items as i

-- fires: nothing
select order_id from shop.orders o where exists (select 1 from unnest(o.items) as i where i.sku = 'x')

-- fires: nothing
select array(select x from unnest([1, 2]) as x) as a

-- fires: nothing
select safe_divide(a, b) as c from shop.orders

-- fires: nothing
select approx_count_distinct(a) as a from shop.orders

-- fires: nothing
delete from shop.orders where true

-- fires: function-on-column
select order_id from shop.orders where date(ordered_at) = '2026-03-01'

-- fires: function-on-column
select order_id from shop.orders where format_date('%Y', ordered_on) = '2026'

-- fires: select-star
select * from shop.orders

-- fires: nothing
select as struct order_id, status from shop.orders

-- fires: nothing
select order_id from shop.orders for system_time as of timestamp '2026-03-01 00:00:00'

-- fires: order-by-in-subquery
select status from (select status from shop.orders order by status)

-- fires: nothing
select struct(1 as a, 'x' as b) as s

-- fires: nothing
select `order`.id from shop.orders as `order`

-- fires: comma-join
select o.order_id, c.name from shop.orders o, shop.customers c where o.customer_id = c.customer_id

-- fires: cross-join
select o.order_id, c.name from shop.orders o, shop.customers c

-- fires: join-without-condition
select o.order_id, c.name from shop.orders o join shop.customers c on o.status = 'x'

-- fires: left-join-turned-inner
select c.name, o.status from shop.customers c left join shop.orders o on o.customer_id = c.customer_id where o.status = 'open'

-- fires: correlated-scalar-subquery
select c.name, (select max(o.amount) from shop.orders o where o.customer_id = c.customer_id) as most from shop.customers c

-- fires: window-without-partition
select order_id, row_number() over (order by ordered_at) as n from shop.orders

-- fires: unused-cte
with a as (select order_id from shop.orders) select name from shop.customers

-- fires: equals-null
select name from shop.customers where email <> null

-- fires: function-on-column
delete shop.orders where date(ordered_at) = '2026-03-01'

-- fires: nothing
delete shop.orders where ordered_at < '2026-03-01'

-- fires: whole-result-sorted
select order_id, rank() over (partition by shop_id order by amount) as place from shop.orders where amount > 3 order by amount desc

-- fires: nothing
select shop_id, sum(amount) as amount from shop.orders where amount > 3 group by shop_id order by amount desc limit 10

-- fires: wildcard-table
select count(*) as events from `shop.web.events_2026*` where event_name = 'buy'

-- fires: nothing
select event_id from `shop.web.events_*` where _table_suffix between '20260301' and '20260331'

-- fires: star-except-cost
select * except (payload, raw) from shop.orders where status = 'open'

-- fires: limit-does-not-lower-cost
select order_id, amount * 2 as twice from shop.orders order by amount desc limit 5

-- fires: nothing
select c.column_name from shop.`INFORMATION_SCHEMA.COLUMNS` c

-- fires: cross-join
select o.order_id from shop.orders o cross join `shop`.`web`.`INFORMATION_SCHEMA.COLUMNS` c
