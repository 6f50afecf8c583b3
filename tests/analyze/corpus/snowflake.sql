-- fires: clock-breaks-result-cache
select order_id from orders where ordered_at > dateadd(day, -7, current_timestamp())

-- fires: nothing
select order_id from orders where ordered_at > dateadd(day, -7, current_date())

-- fires: nothing
create table n as select order_id, current_timestamp() as made_at from orders

-- fires: flatten-explosion
select o.id from orders o, lateral flatten(input => o.items) i, lateral flatten(input => o.tags) t

-- fires: nothing
select o.id from orders o, lateral flatten(input => o.items) i, lateral flatten(input => i.value:tags) t

-- fires: nothing
select f.value:sku::string as sku from orders o, lateral flatten(input => o.items) f

-- fires: untyped-variant-filter
select order_id from orders where payload:status = 'open'

-- fires: nothing
select order_id from orders where payload:status::string = 'open'

-- fires: copy-force
copy into orders from @stage force = true

-- fires: nothing
copy into orders from @stage file_format = (type = csv)

-- fires: nothing
select order_id from orders qualify row_number() over (partition by customer_id order by ordered_at desc) = 1

-- fires: function-on-column
select order_id from orders where to_date(ordered_at) = '2026-03-01'

-- fires: function-on-column
select order_id from orders where date_trunc('month', ordered_at) = '2026-03-01'

-- fires: division-by-zero
select a / b as c from orders

-- fires: nothing
select div0(a, b) as c from orders

-- fires: nothing
select $1, $2 from @stage

-- fires: limit-without-order
select top 10 order_id from orders

-- fires: repeated-cte
with t as (select customer_id, sum(amount) as s from orders group by customer_id) select a.s from t a join t b on a.customer_id = b.customer_id

-- fires: nothing
select order_id from orders at (timestamp => '2026-03-01'::timestamp)

-- fires: nothing
select t.a from table(generator(rowcount => 10)) t

-- fires: nothing
merge into orders t using changes s on t.id = s.id when matched then update set status = s.status when not matched then insert (id) values (s.id)

-- fires: nothing
use warehouse w

-- fires: nothing
alter session set timezone = 'UTC'

-- fires: cross-join
select a.id from a cross join b

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

-- fires: untyped-variant-filter
select order_id from orders where payload:shipping.country = 'DE' and status = 'open'

-- fires: nothing
select order_id, payload:shipping.country as country from orders where status = 'open'
