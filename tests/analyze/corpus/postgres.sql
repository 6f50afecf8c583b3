-- fires: integer-division
select count(shipped_at) / nullif(count(*), 0) as share from orders

-- fires: nothing
select count(shipped_at)::numeric / nullif(count(*), 0) as share from orders

-- fires: nothing
select count(shipped_at) * 1.0 / nullif(count(*), 0) as share from orders

-- fires: integer-division, division-by-zero
select count(a) / count(b) as share from orders

-- fires: nothing
select distinct on (customer_id) customer_id, order_id from orders order by customer_id, ordered_at desc

-- fires: nothing
select o.order_id from (select distinct on (customer_id) customer_id, order_id from orders order by customer_id, ordered_at desc) o

-- fires: nothing
select c.name, l.order_id from customers c cross join lateral (select order_id from orders o where o.customer_id = c.customer_id order by ordered_at desc limit 1) l

-- fires: nothing
select c.name, l.order_id from customers c left join lateral (select order_id from orders o where o.customer_id = c.customer_id order by ordered_at desc limit 1) l on true

-- fires: nothing
select d from generate_series(1, 10) as d

-- fires: nothing
insert into orders (id, status) values (1, 'x') on conflict (id) do update set status = excluded.status

-- fires: nothing
with moved as (delete from orders where status = 'old' returning id, status) insert into archive (id, status) select id, status from moved

-- fires: nothing
with gone as (delete from orders where status = 'old' returning id) select 1 as done

-- fires: function-on-column
select order_id from orders where ordered_at::date = '2026-03-01'

-- fires: function-on-column
select order_id from orders where lower(email) = 'anna@example.com'

-- fires: function-on-column
select order_id from orders where to_char(ordered_at, 'YYYY-MM') = '2026-03'

-- fires: leading-wildcard
select name from customers where email ilike '%example%'

-- fires: nothing
select string_agg(status, ',' order by status) as s from orders

-- fires: nothing
select array_agg(status) as s from (select status from orders order by status) o

-- fires: nothing
select order_id from orders where status = any (array['open', 'paid'])

-- fires: nothing
select order_id from orders where amount > all (select amount from orders where status = 'paid')

-- fires: order-by-random
select order_id from orders order by random() limit 5

-- fires: offset-paging
select order_id from orders order by order_id offset 5000 limit 10

-- fires: nothing
select order_id from orders order by order_id fetch first 5 rows only

-- fires: limit-without-order
select order_id from orders fetch first 5 rows only

-- fires: nothing
select payload ->> 'status' as status from orders where payload ->> 'status' = 'open'

-- fires: nothing
create index on orders (customer_id)

-- fires: nothing
vacuum orders

-- fires: nothing
explain select order_id from orders

-- fires: nothing
select count(*) filter (where status = 'open') as n from orders

-- fires: nothing
with recursive t as (select 1 as n union all select n + 1 from t where n < 10) select n from t

-- fires: delete-without-where
delete from orders using customers

-- fires: nothing
delete from orders o using customers c where o.customer_id = c.customer_id

-- fires: nothing
update orders o set status = 'x' from customers c where c.customer_id = o.customer_id

-- fires: equals-null
select order_id from orders where (status = null) is true

-- fires: nothing
select order_id from orders where status is not distinct from null

-- fires: not-in-nullable
select name from customers where (customer_id) not in (select customer_id from orders)

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
delete from orders o using customers c where c.customer_id = o.customer_id and o.ordered_at::date = '2026-03-01'

-- fires: function-on-column
update orders o set status = 'x' from customers c where c.customer_id = o.customer_id and date_trunc('month', o.ordered_at) = '2026-03-01'

-- fires: function-on-column
with gone as (delete from orders where extract(year from ordered_at) = 2020 returning id) insert into archive (id) select id from gone

-- fires: nothing
update orders set status = 'x' where id in (select id from changes where lower(kind) = lower(status))

-- fires: natural-join
select order_id, name from orders natural left join customers

-- fires: nothing
select order_id, name from orders left join customers using (customer_id)

-- fires: outer-join-count
select s.name, count(1) as orders from shops s left join orders o on o.shop_id = s.shop_id group by s.name

-- fires: nothing
select s.name, count(o.shop_id) as orders from shops s left join orders o on o.shop_id = s.shop_id group by s.name

-- fires: last-value-frame
select order_id, last_value(amount) over (partition by shop_id order by ordered_at) as latest from orders

-- fires: nothing
select order_id, last_value(amount) over (partition by shop_id order by ordered_at rows between unbounded preceding and unbounded following) as latest from orders

-- fires: count-of-case-else
select count(case when amount > 10 then order_id else 0 end) as large from orders

-- fires: nothing
select sum(case when amount > 10 then 1 else 0 end) as large from orders

-- fires: sum-of-coalesce
select customer_id, sum(coalesce(price, 0)) as price from orders group by customer_id

-- fires: update-without-where
update orders set price = price * 1.1, changed_at = now()
