-- fires: nothing
select order_id from orders where event_date = '2026-03-01'

-- fires: no-partition-filter
select order_id from orders where customer_id = 4

-- fires: no-partition-filter, function-on-column
select order_id from orders where year(ordered_at) = 2026

-- fires: function-on-column
select order_id from orders where year(event_date) = 2026

-- fires: function-on-column
select order_id from orders where length(event_date) = 10

-- fires: no-partition-filter
select o.order_id, c.name from orders o join customers c on c.customer_id = o.customer_id

-- fires: nothing
select o.order_id, c.name from orders o join customers c on c.customer_id = o.customer_id where o.event_date >= '2026-03-01'

-- fires: nothing
select o.order_id, d.day from days d join orders o on o.event_date = d.day

-- fires: no-partition-filter
select order_id from orders where event_date = '2026-03-01' or customer_id = 4

-- fires: nothing
select order_id from orders where event_date = '2026-03-01' or event_date = '2026-03-02'

-- fires: select-star
select * from orders where event_date = '2026-03-01'

-- fires: nothing
select * from days

-- fires: implicit-cast
select order_id from orders where event_date = '2026-03-01' and order_id = '42'

-- fires: implicit-cast
select name from customers where name = 42

-- fires: nothing
select name from customers where customer_id = 42

-- fires: float-equality
select order_id from orders where event_date = '2026-03-01' and weight = 0.3

-- fires: nothing
select order_id from orders where event_date = '2026-03-01' and weight > 0.3

-- fires: mixed-type-join, many-to-many-join
select o.order_id from orders o join customers c on c.name = o.customer_id where o.event_date = '2026-03-01'

-- fires: many-to-many-join
select o.order_id, v.visit_id from orders o join visits v on v.customer_id = o.customer_id where o.event_date = '2026-03-01'

-- fires: nothing
select o.order_id, v.visit_id from orders o join visits v on v.visit_id = o.visit_id where o.event_date = '2026-03-01'

-- fires: skewed-join-key
select o.order_id, s.name from orders o join shops s on s.shop_id = o.shop_id where o.event_date = '2026-03-01'

-- fires: broadcast-too-large
select /*+ broadcast(v) */ c.name, v.visit_id from customers c join visits v on v.customer_id = c.customer_id

-- fires: missed-broadcast
select v.visit_id, c.name from visits v join customers c on c.customer_id = v.customer_id

-- fires: nothing
select /*+ broadcast(c) */ v.visit_id, c.name from visits v join customers c on c.customer_id = v.customer_id

-- fires: small-files
select count(*) as n from clicks

-- fires: filter-misses-clustering
select visit_id from visits where visit_id = 5

-- fires: nothing
select visit_id from visits where started_at > '2026-03-01'

-- fires: distinct-of-key
select distinct customer_id, name from customers

-- fires: nothing
select distinct name from customers

-- fires: redundant-cast
select cast(customer_id as bigint) as customer_id from customers

-- fires: nothing
select cast(customer_id as string) as customer_id from customers

-- fires: unused-join
select v.visit_id from visits v left join shops s on s.shop_id = v.shop_id

-- fires: small-files
select v.visit_id from visits v left join clicks k on k.visit_id = v.visit_id

-- fires: nothing
select name from customers where customer_id not in (select customer_id from shops_of_customers)

-- fires: not-in-nullable
select name from customers where customer_id not in (select customer_id from visits)

-- fires: whole-table-read
select sum(amount) as amount from payments

-- fires: nothing
select sum(amount) as amount from payments where paid_on = '2026-03-01'

-- fires: between-timestamps, no-partition-filter
select order_id from orders where ordered_at between '2026-03-01' and '2026-03-31'

-- fires: nothing
select day from days where day between '2026-03-01' and '2026-03-31'

-- fires: merge-source-not-unique
merge into customers t using visits s on t.customer_id = s.customer_id when matched then update set t.name = s.name

-- fires: nothing
merge into visits t using customers s on t.customer_id = s.customer_id when matched then update set t.name = s.name

-- fires: filter-misses-clustering
select visit_id, started_at from visits where customer_id in (4, 5)

-- fires: nothing
select visit_id from visits where customer_id = 4 and started_at >= '2026-03-01'

-- fires: broadcast-too-large
select /*+ mapjoin(v) */ s.name, v.visit_id from shops s join visits v on v.shop_id = s.shop_id

-- fires: nothing
select /*+ broadcast(s) */ s.name, v.visit_id from visits v join shops s on v.shop_id = s.shop_id

-- fires: missed-broadcast
select p.amount, c.name from payments p join customers c on c.customer_id = p.customer_id where p.paid_on > '2026-03-01'

-- fires: nothing
select s.name, c.name as customer from shops s join customers c on c.customer_id = s.owner_id

-- fires: broadcast-too-large
select count(shop_id) from (select /*+ broadcast(v) */ v.shop_id from visits as v)
