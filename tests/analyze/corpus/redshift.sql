-- fires: leader-node-function
select order_id, pg_backend_pid() as p from orders

-- fires: nothing
select pg_backend_pid() as p

-- fires: no-distribution-key
create table orders (order_id bigint, status varchar(10))

-- fires: nothing
create table orders (order_id bigint, status varchar(10)) diststyle all sortkey (order_id)

-- fires: nothing
create temporary table orders (order_id bigint, status varchar(10))

-- fires: integer-division
select count(a) / nullif(count(*), 0) as share from orders

-- fires: several-count-distinct
select count(distinct a) as a, count(distinct b) as b from orders

-- fires: nothing
select approximate count(distinct a) as a from orders

-- fires: function-on-column
select order_id from orders where trunc(ordered_at) = '2026-03-01'

-- fires: function-on-column
select order_id from orders where date_trunc('day', ordered_at) = '2026-03-01'

-- fires: nothing
unload ('select order_id from orders') to 's3://bucket/x' iam_role 'arn'

-- fires: nothing
copy orders from 's3://bucket/x' iam_role 'arn' format as parquet

-- fires: limit-without-order
select order_id from orders limit 5

-- fires: nothing
analyze orders

-- fires: nothing
select listagg(status, ',') within group (order by status) as s from orders

-- fires: comma-join
select o.order_id, c.name from shop.orders o, shop.customers c where o.customer_id = c.customer_id

-- fires: cross-join
select o.order_id, c.name from orders o, customers c

-- fires: nothing
select o.order_id, i.sku from orders o, o.items i

-- fires: leader-node-function
select o.order_id, age(o.ordered_at) as age from orders o where o.status = 'open'

-- fires: nothing
select tablename, pg_size_pretty(1) as size from pg_tables

-- fires: no-distribution-key
create table visits (visit_id bigint, started_at timestamp, customer_id bigint)

-- fires: nothing
create table visits (visit_id bigint, started_at timestamp) distkey (visit_id)
