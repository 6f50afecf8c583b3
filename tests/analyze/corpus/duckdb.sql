-- fires: nothing
select amount / items as price from orders

-- fires: nothing
from orders select order_id

-- fires: select-star
from orders

-- fires: nothing
select * exclude (payload) from (select order_id, payload from orders) o

-- fires: nothing
select order_id from read_parquet('x/*.parquet')

-- fires: select-star
select * from orders limit 0

-- fires: nothing
select o.order_id, q.price from orders o asof join quotes q on o.symbol = q.symbol and o.at >= q.at

-- fires: nothing
select status, count(*) as n from orders group by all order by all

-- fires: nothing
select order_id from orders qualify row_number() over (partition by customer_id order by ordered_at desc) = 1

-- fires: nothing
select unnest([1, 2, 3]) as n

-- fires: nothing
select list_transform([1, 2], x -> x + 1) as l

-- fires: function-on-column
select order_id from orders where ordered_at::date = date '2026-03-01'

-- fires: limit-without-order
select order_id from orders using sample 10 rows limit 5

-- fires: nothing
pivot orders on status using sum(amount)

-- fires: nothing
select date_diff('day', ordered_at, shipped_at) as days from orders

-- fires: several-count-distinct
select count(distinct a) as a, count(distinct b) as b from orders

-- fires: nothing
with t as materialized (select customer_id, sum(amount) as s from orders group by customer_id) select a.s from t a join t b on a.customer_id = b.customer_id

-- fires: nothing
with t as (select customer_id, sum(amount) as s from orders group by customer_id) select a.s from t a join t b on a.customer_id = b.customer_id

-- fires: nothing
insert into orders by name select order_id, status from new_orders

-- fires: nothing
copy orders to 'x.parquet' (format parquet)

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
