-- fires: float-equality
select order_id from orders where event_date = '2026-03-01' and 1.5 = weight

-- fires: nothing
select order_id from orders where event_date = '2026-03-01' and abs(weight - 1.5) < 0.001

-- fires: whole-table-read
select method, count(*) as payments from payments group by method

-- fires: nothing
select method, count(*) as payments from payments where paid_at >= '2026-03-01' group by method

-- fires: mixed-type-join
select o.order_id, c.name from orders o left join customers c on c.customer_id = o.status where o.event_date = '2026-03-01'

-- fires: nothing
select o.order_id, c.name from orders o left join customers c on c.customer_id = o.customer_id where o.event_date = '2026-03-01'

-- fires: skewed-join-key
select s.name, count(*) as orders from shops s join orders o on s.shop_id = o.shop_id where o.event_date = '2026-03-01' group by s.name

-- fires: distinct-of-key
select distinct order_id, status from orders where event_date = '2026-03-01'

-- fires: nothing
select distinct status from orders where event_date = '2026-03-01'

-- fires: implicit-cast
update orders set status = 'x' where order_id = '42' and event_date = '2026-03-01'

-- fires: nothing
update orders set status = 'x' where order_id = 42 and event_date = '2026-03-01'

-- fires: function-on-column
delete from orders where extract(year from event_date) = 2026
