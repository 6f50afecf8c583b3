-- fires: function-on-column
select order_id from orders where to_date(ordered_at) = '2026-03-01'

-- fires: function-on-column
select order_id from orders where year(ordered_at) = 2026

-- fires: function-on-column, function-on-column
select order_id from orders where year(ordered_at) = 2026 and month(ordered_at) = 3

-- fires: function-on-column
select order_id from orders where cast(ordered_at as date) >= '2026-03-01'

-- fires: function-on-column
select order_id from orders where date_format(ordered_at, 'yyyy-MM') = '2026-03'

-- fires: function-on-column
select order_id from orders where date_trunc('month', ordered_at) = '2026-03-01'

-- fires: function-on-column
select order_id from orders where upper(status) = 'OPEN'

-- fires: function-on-column
select order_id from orders where substr(code, 1, 2) = 'DE'

-- fires: function-on-column
select order_id from orders where cast(order_id as string) = '42'

-- fires: function-on-column
select order_id from orders where date(ordered_at) between '2026-03-01' and '2026-03-07'

-- fires: function-on-column
select order_id from orders where date(ordered_at) in ('2026-03-01', '2026-03-02')

-- fires: function-on-column
select count(*) as n from orders o join customers c on c.customer_id = o.customer_id where trim(c.name) = 'Anna'

-- fires: function-on-column
select order_id from orders where '2026-03-01' = date(ordered_at)

-- fires: function-on-column
select order_id from orders where extract(year from ordered_at) = 2026

-- fires: function-on-column
select order_id from orders where status = 'open' or date(ordered_at) = '2026-03-01'

-- fires: function-on-column
with recent as (select order_id, ordered_at from orders) select order_id from recent where date(ordered_at) = '2026-03-01'

-- fires: nothing
select order_id from orders where ordered_at >= '2026-03-01' and ordered_at < '2026-03-02'

-- fires: nothing
select order_id from orders where ordered_at >= date_sub(current_date, 7)

-- fires: nothing
select order_id from orders where ordered_at >= date_trunc('month', current_timestamp())

-- fires: nothing
select order_id from orders where ordered_at >= cast('2026-03-01' as timestamp)

-- fires: nothing
select order_id from orders where event_date between '2026-03-01' and '2026-03-31'

-- fires: nothing
select order_id from orders where status in ('open', 'paid')

-- fires: nothing
select order_id from orders where length(status) > 3

-- fires: nothing
select order_id, date(ordered_at) as day from orders

-- fires: nothing
select date(ordered_at) as day, count(*) as orders from orders group by date(ordered_at)

-- fires: nothing
select order_id, case when date(ordered_at) = '2026-03-01' then 1 else 0 end as is_first from orders

-- fires: nothing
select order_id from orders where case when upper(status) = 'OPEN' then true else false end

-- fires: nothing
select day, n from (select date(ordered_at) as day, count(*) as n from orders group by date(ordered_at)) d where upper(day) = 'X'

-- fires: function-on-column
select region, n from (select region, count(*) as n from orders group by region) r where upper(region) = 'NORTH'

-- fires: nothing
select order_id from orders where lower(status) = lower(kind)

-- fires: nothing
select order_id from orders where lower(status) <> 'open'

-- fires: nothing
select order_id from orders where ordered_at > ordered_before and status = 'open'

-- fires: arithmetic-on-column
select order_id from orders where amount + 0 = 5

-- fires: arithmetic-on-column
select order_id from orders where ordered_at - interval '1' day > '2026-03-01'

-- fires: arithmetic-on-column
select order_id from orders where 2 * amount >= 100

-- fires: arithmetic-on-column
select order_id from orders where amount / 100 between 1 and 2

-- fires: nothing
select order_id from orders where amount - discount > 5

-- fires: nothing
select order_id from orders where amount > 5 * 100

-- fires: nothing
select order_id, amount * 100 as cents from orders

-- fires: leading-wildcard
select name from customers where email like '%@example.com'

-- fires: leading-wildcard
select name from customers where email not like '%@example.com'

-- fires: leading-wildcard
select name from customers where name ilike '_nna'

-- fires: nothing
select name from customers where email like 'anna@%'

-- fires: nothing
select name from customers where email like pattern

-- fires: nothing
select name from customers where email like '%'

-- fires: coalesce-in-filter
select order_id from orders where coalesce(status, 'new') = 'new'

-- fires: coalesce-in-filter
select order_id from orders where nvl(status, 'new') = 'new'

-- fires: coalesce-in-filter
select order_id from orders where ifnull(amount, 0) > 5

-- fires: nothing
select order_id, coalesce(status, 'new') as status from orders

-- fires: nothing
select order_id from orders where status = coalesce(:status, 'new')

-- fires: optional-parameter
select order_id from orders where (:status is null or status = :status)

-- fires: optional-parameter
select order_id from orders where customer_id = 4 and (:a is null or region = :a)

-- fires: nothing
select order_id from orders where status is null or status = 'open'

-- fires: equals-null
select order_id from orders where shipped_at = null

-- fires: equals-null
select order_id from orders where shipped_at <> null

-- fires: equals-null
select order_id from orders where shipped_at != null and status = 'open'

-- fires: equals-null
select order_id, case when shipped_at = null then 0 else 1 end as shipped from orders

-- fires: nothing
select order_id from orders where shipped_at is null

-- fires: nothing
select order_id from orders where shipped_at <=> null

-- fires: nothing
update orders set shipped_at = null where order_id = 4

-- fires: not-in-nullable
select name from customers where customer_id not in (select customer_id from orders)

-- fires: not-in-nullable
select name from customers where not customer_id in (select customer_id from orders where status = 'open')

-- fires: nothing
select name from customers where customer_id not in (select customer_id from orders where customer_id is not null)

-- fires: nothing
select name from customers where customer_id not in (select customer_id from orders where customer_id > 0)

-- fires: nothing
select name from customers where customer_id not in (1, 2, 3)

-- fires: nothing
select name from customers where customer_id in (select customer_id from orders)

-- fires: nothing
select name from customers where customer_id not in (select coalesce(customer_id, -1) from orders)

-- fires: nothing
select name from customers c where not exists (select 1 from orders o where o.customer_id = c.customer_id)

-- fires: left-join-turned-inner
select c.name, o.status from customers c left join orders o on o.customer_id = c.customer_id where o.status = 'open'

-- fires: left-join-turned-inner
select c.name, o.status from customers c left join orders o on o.customer_id = c.customer_id where o.amount > 5 and c.name = 'x'

-- fires: left-join-turned-inner
select c.name, o.status from customers c left outer join orders o on o.customer_id = c.customer_id where o.status in ('a', 'b')

-- fires: left-join-turned-inner
select c.name, o.status from customers c left join orders o on o.customer_id = c.customer_id where o.ordered_at between '2026-03-01' and '2026-03-02 10:00:00'

-- fires: nothing
select c.name, o.status from customers c left join orders o on o.customer_id = c.customer_id where o.order_id is null

-- fires: nothing
select c.name, o.status from customers c left join orders o on o.customer_id = c.customer_id and o.status = 'open'

-- fires: nothing
select c.name, o.status from customers c left join orders o on o.customer_id = c.customer_id where c.name = 'x'

-- fires: nothing
select c.name, o.status from customers c left join orders o on o.customer_id = c.customer_id where o.status = 'open' or o.status is null

-- fires: nothing
select c.name, o.status from customers c join orders o on o.customer_id = c.customer_id where o.status = 'open'

-- fires: outer-join-count
select c.name, count(*) as orders from customers c left join orders o on o.customer_id = c.customer_id group by c.name

-- fires: nothing
select c.name, count(o.order_id) as orders from customers c left join orders o on o.customer_id = c.customer_id group by c.name

-- fires: nothing
select c.name, count(*) as orders from customers c join orders o on o.customer_id = c.customer_id group by c.name

-- fires: nothing
select o.status, count(*) as n from customers c left join orders o on o.customer_id = c.customer_id group by o.status

-- fires: comma-join
select o.order_id, c.name from orders o, customers c where o.customer_id = c.customer_id

-- fires: comma-join, comma-join
select o.order_id from orders o, customers c, regions r where o.customer_id = c.customer_id and c.region_id = r.region_id

-- fires: cross-join
select o.order_id, c.name from orders o, customers c where o.status = 'open'

-- fires: cross-join
select o.order_id, c.name from orders o cross join customers c

-- fires: cross-join, comma-join
select o.order_id from orders o, customers c, regions r where o.customer_id = c.customer_id

-- fires: nothing
select o.order_id, p.value from orders o cross join (select max(value) as value from parameters) p

-- fires: nothing
select o.order_id, d.day from orders o cross join (values (1), (2)) as d(day)

-- fires: nothing
select o.order_id, i.item from orders o lateral view explode(items) i as item

-- fires: nothing
select o.order_id from orders o cross join calendar c where c.day = o.day

-- fires: join-without-condition
select o.order_id, c.name from orders o join customers c on true

-- fires: join-without-condition
select o.order_id, c.name from orders o join customers c on c.name = 'x'

-- fires: join-without-condition
select o.order_id, c.name from orders o join customers c

-- fires: join-without-condition
select o.order_id, c.name from orders o join customers c on c.customer_id = c.customer_id

-- fires: nothing
select o.order_id, c.name from orders o join customers c where o.customer_id = c.customer_id

-- fires: nothing
select o.order_id, c.name from orders o join customers c using (customer_id)

-- fires: nothing
select order_id, name from orders join customers on customer_id = id

-- fires: inequality-join
select o.order_id, r.rate from orders o join rates r on o.ordered_at >= r.valid_from

-- fires: inequality-join
select o.order_id, r.rate from orders o join rates r on o.ordered_at between r.valid_from and r.valid_to

-- fires: inequality-join
select a.id from events a join events b on a.id <> b.id

-- fires: nothing
select o.order_id, r.rate from orders o join rates r on o.currency = r.currency and o.ordered_at >= r.valid_from and o.ordered_at < r.valid_to

-- fires: or-in-join
select o.order_id, c.name from orders o join customers c on o.customer_id = c.customer_id or o.email = c.email

-- fires: nothing
select o.order_id, c.name from orders o join customers c on o.customer_id = c.customer_id and (o.kind = 'a' or c.kind = 'b')

-- fires: nothing
select o.order_id, c.name from orders o join customers c on o.k = c.k or (o.k is null and c.k is null)

-- fires: function-in-join-key
select o.order_id, c.name from orders o join customers c on lower(o.email) = lower(c.email)

-- fires: function-in-join-key
select o.order_id, c.name from orders o join customers c on cast(o.customer_id as string) = c.customer_id

-- fires: function-in-join-key
select o.order_id, c.name from orders o join customers c on normalize_email(o.email) = c.email

-- fires: function-in-join-key, comma-join
select o.order_id, c.name from orders o, customers c where date(o.ordered_at) = c.day

-- fires: nothing
select o.order_id, c.name from orders o join customers c on o.email = c.email and lower(c.kind) = 'x'

-- fires: natural-join
select order_id, name from orders natural join customers

-- fires: distinct-hides-fan-out
select distinct c.name from customers c join orders o on o.customer_id = c.customer_id

-- fires: distinct-hides-fan-out
select distinct c.name, c.email from customers c join orders o on o.customer_id = c.customer_id where o.status = 'open'

-- fires: nothing
select distinct c.name, o.status from customers c join orders o on o.customer_id = c.customer_id

-- fires: nothing
select distinct status from orders

-- fires: nothing
select distinct c.name from customers c left semi join orders o on o.customer_id = c.customer_id

-- fires: distinct-with-group-by
select distinct status, count(*) as n from orders group by status

-- fires: distinct-with-group-by
select distinct status, region, sum(amount) as amount from orders group by status, region

-- fires: nothing
select distinct count(*) as n from orders group by status

-- fires: distinct-in-subquery
select name from customers where customer_id in (select distinct customer_id from orders)

-- fires: distinct-in-subquery
select name from customers c where exists (select distinct 1 from orders o where o.customer_id = c.customer_id)

-- fires: several-count-distinct
select count(distinct customer_id) as c, count(distinct product_id) as p from orders

-- fires: several-count-distinct
select status, count(distinct a) as a, count(distinct b) as b, count(distinct c) as c from orders group by status

-- fires: nothing
select count(distinct customer_id) as c, count(*) as n from orders

-- fires: nothing
select count(distinct customer_id) as c, count(distinct customer_id) / 7 as per_day from orders

-- fires: nothing
select approx_count_distinct(a) as a, approx_count_distinct(b) as b from orders

-- fires: disjoint-union
select 'a' as source, id from a union select 'b' as source, id from b

-- fires: disjoint-union
select id, status from orders where status = 'open' union select id, status from orders where status = 'paid'

-- fires: nothing
select id from a union select id from b

-- fires: nothing
select 'a' as source, id from a union all select 'b' as source, id from b

-- fires: nothing
select id from orders where status = 'open' union select id from orders where status = 'paid'

-- fires: count-instead-of-exists
select 1 as found where (select count(*) from orders where status = 'open') > 0

-- fires: count-instead-of-exists, correlated-scalar-subquery
select name from customers c where (select count(*) from orders o where o.customer_id = c.customer_id) = 0

-- fires: nothing
select 1 as found where (select count(*) from orders where status = 'open') > 10

-- fires: order-by-in-subquery
select status, count(*) as n from (select status from orders order by status) o group by status

-- fires: order-by-in-subquery
with o as (select order_id from orders order by order_id) select order_id from o

-- fires: order-by-in-subquery
select name from customers where customer_id in (select customer_id from orders order by customer_id)

-- fires: nothing
select order_id from (select order_id, amount from orders order by amount desc limit 10) o

-- fires: nothing
select collect_list(status) as statuses from (select status from orders order by status) o

-- fires: nothing
create table n as select order_id from orders order by order_id

-- fires: nothing
(select order_id from orders order by order_id)

-- fires: limit-without-order
select order_id from orders limit 10

-- fires: limit-without-order
select order_id from (select order_id from orders limit 5) o

-- fires: nothing
select order_id from orders order by order_id limit 10

-- fires: nothing
select max(amount) as amount from orders limit 1

-- fires: nothing
select order_id from orders limit 0

-- fires: nothing
select name from customers c where exists (select 1 from orders o where o.customer_id = c.customer_id limit 1)

-- fires: nothing
select order_id from (select order_id from orders order by amount) o limit 10

-- fires: order-by-ordinal
select status, order_id from orders order by 2

-- fires: order-by-ordinal
select status, count(*) as n from orders group by status order by 2 desc

-- fires: nothing
select order_id, row_number() over (partition by status order by 1) as n from orders

-- fires: order-by-random
select order_id from orders order by rand() limit 10

-- fires: offset-paging
select order_id from orders order by order_id limit 10 offset 10000

-- fires: nothing
select order_id from orders order by order_id limit 10 offset 20

-- fires: window-without-partition
select order_id, row_number() over (order by ordered_at) as n from orders

-- fires: window-without-partition
select order_id, sum(amount) over () as total from orders

-- fires: nothing
select order_id, row_number() over (partition by customer_id order by ordered_at) as n from orders

-- fires: nothing
select status, sum(count(*)) over () as total from orders group by status

-- fires: nothing
select order_id, row_number() over w as n from orders window w as (partition by status order by id)

-- fires: last-value-frame
select order_id, last_value(status) over (partition by customer_id order by ordered_at) as s from orders

-- fires: nothing
select order_id, last_value(status) over (partition by customer_id order by ordered_at rows between unbounded preceding and unbounded following) as s from orders

-- fires: correlated-scalar-subquery
select name, (select max(amount) from orders o where o.customer_id = c.customer_id) as most from customers c

-- fires: correlated-scalar-subquery
select order_id from orders o where amount > (select avg(i.amount) from orders i where i.status = o.status)

-- fires: nothing
select name, (select max(amount) from orders) as most from customers

-- fires: nothing
select order_id from orders where amount > (select avg(amount) from orders)

-- fires: repeated-cte
with t as (select customer_id, sum(amount) as s from orders group by customer_id) select a.s from t a join t b on a.customer_id = b.customer_id

-- fires: nothing
with t as (select customer_id, sum(amount) as s from orders group by customer_id) select s from t

-- fires: nothing
with t as (select customer_id, amount from orders) select a.amount from t a join t b on a.customer_id = b.customer_id

-- fires: unused-cte
with t as (select order_id from orders) select name from customers

-- fires: unused-cte
with a as (select order_id from orders), b as (select order_id from a) select name from customers

-- fires: nothing
with a as (select order_id from orders), b as (select order_id from a) select order_id from b

-- fires: unused-join
select o.order_id from orders o left join customers c on c.customer_id = o.customer_id

-- fires: unused-join
select o.order_id from orders o left join customers c on c.customer_id = o.customer_id where o.status = 'open'

-- fires: nothing
select o.order_id, c.name from orders o left join customers c on c.customer_id = o.customer_id

-- fires: nothing
select o.order_id from orders o left join customers c on c.customer_id = o.customer_id where c.customer_id is null

-- fires: nothing
select o.order_id from orders o join customers c on c.customer_id = o.customer_id

-- fires: having-without-aggregate
select status, count(*) as n from orders group by status having status = 'open'

-- fires: having-without-aggregate
select status, count(*) as n from orders group by status having count(*) > 5 and status <> 'x'

-- fires: nothing
select status, count(*) as n from orders group by status having count(*) > 5

-- fires: nothing
select status, count(*) as n from orders group by status having n > 5

-- fires: division-by-zero
select amount / items as price from orders

-- fires: division-by-zero
select sum(amount) / count(shipped_at) as price from orders

-- fires: nothing
select amount / 100 as price from orders

-- fires: nothing
select amount / nullif(items, 0) as price from orders

-- fires: nothing
select case when items > 0 then amount / items end as price from orders

-- fires: nothing
select amount / items as price from orders where items > 0

-- fires: between-timestamps
select order_id from orders where ordered_at between '2026-03-01' and '2026-03-31'

-- fires: between-timestamps
select order_id from orders where ordered_at between timestamp '2026-03-01 00:00:00' and timestamp '2026-03-31 00:00:00'

-- fires: nothing
select order_id from orders where ordered_at between '2026-03-01' and '2026-03-31 23:59:59.999999'

-- fires: nothing
select order_id from orders where order_date between '2026-03-01' and '2026-03-31'

-- fires: redundant-cast
select cast(cast(amount as int) as int) as amount from orders

-- fires: nothing
select cast(cast(amount as int) as string) as amount from orders

-- fires: count-of-case-else
select count(case when status = 'open' then 1 else 0 end) as n from orders

-- fires: nothing
select sum(case when status = 'open' then 1 else 0 end) as n from orders

-- fires: nothing
select count(case when status = 'open' then 1 end) as n from orders

-- fires: sum-of-coalesce
select sum(coalesce(amount, 0)) as amount from orders

-- fires: nothing
select coalesce(sum(amount), 0) as amount from orders

-- fires: nothing
select sum(coalesce(amount, list_price)) as amount from orders

-- fires: select-star
select * from orders

-- fires: select-star
select o.* from orders o join customers c on c.customer_id = o.customer_id

-- fires: select-star
with t as (select * from orders) select order_id from t

-- fires: nothing
with t as (select order_id, status from orders) select * from t

-- fires: nothing
select name from customers c where exists (select * from orders o where o.customer_id = c.customer_id)

-- fires: nothing
select count(*) as n from orders

-- fires: update-without-where
update orders set status = 'x'

-- fires: delete-without-where
delete from orders

-- fires: where-always-true
delete from orders where 1 = 1

-- fires: where-always-true
update orders set status = 'x' where true

-- fires: nothing
delete from orders where status = 'cancelled'

-- fires: insert-without-columns
insert into orders select id, status from new_orders

-- fires: insert-without-columns
insert into orders values (1, 'open')

-- fires: nothing
insert into orders (id, status) values (1, 'open')

-- fires: nothing
insert into orders (id, status) select id, status from new_orders

-- fires: merge-source-not-unique
merge into orders t using (select id, status from changes) s on t.id = s.id when matched then update set t.status = s.status

-- fires: nothing
merge into orders t using (select id, max(status) as status from changes group by id) s on t.id = s.id when matched then update set t.status = s.status

-- fires: nothing
merge into orders t using changes s on t.id = s.id when matched then update set t.status = s.status

-- fires: nothing
merge into orders t using (select id, status from (select id, status, row_number() over (partition by id order by at desc) as n from changes) c where n = 1) s on t.id = s.id when matched then update set t.status = s.status

-- fires: nothing
merge into orders t using (select id from changes) s on t.id = s.id when not matched then insert (id) values (s.id)

-- fires: overwrite-without-partition
insert overwrite table orders (id) select id from new_orders

-- fires: nothing
insert overwrite table orders partition (event_date = '2026-03-01') (id) select id from new_orders

-- fires: single-task-hint
select /*+ coalesce(1) */ order_id from orders

-- fires: single-task-hint
select /*+ repartition(1) */ order_id from orders

-- fires: nothing
select /*+ repartition(8), broadcast(c) */ o.order_id from orders o join customers c on c.customer_id = o.customer_id

-- fires: flatten-explosion
select o.order_id from orders o lateral view explode(o.items) i as item lateral view explode(o.tags) t as tag

-- fires: nothing
select o.order_id from orders o lateral view explode(o.items) i as item lateral view explode(i.tags) t as tag

-- fires: zorder
optimize events zorder by (user_id)

-- fires: nothing
optimize events where event_date >= '2026-03-01' zorder by (user_id)

-- fires: nothing
show tables

-- fires: nothing
create table n (id int, status string) using delta partitioned by (status)

-- fires: nothing
create or replace temporary view v as select order_id from orders

-- fires: nothing
drop table if exists orders

-- fires: nothing
describe table orders

-- fires: nothing
cache table orders

-- fires: nothing
alter table orders add columns (note string)

-- fires: nothing
select 1 as one

-- fires: nothing
select order_id from orders tablesample (10 percent)

-- fires: nothing
select order_id from orders version as of 3

-- fires: nothing
select k, v from orders lateral view outer explode(map('a', 1)) m as k, v

-- fires: nothing
select transform(items, x -> x + 1) as items from orders

-- fires: nothing
select status, region, sum(amount) as amount from orders group by rollup(status, region)

-- fires: nothing
select status, region, sum(amount) as amount from orders group by grouping sets ((status), (region), ())

-- fires: nothing
select status, region, grouping(status) as g from orders group by cube(status, region)

-- fires: nothing
select * from (select status, amount from orders) pivot (sum(amount) for status in ('open', 'paid'))

-- fires: nothing
select order_id from a intersect select order_id from b

-- fires: nothing
select order_id from a except select order_id from b

-- fires: nothing
select order_id, percentile_approx(amount, 0.5) over (partition by status) as m from orders

-- fires: nothing
from orders select order_id

-- fires: nothing
select order_id from orders where status rlike '^o' sort by order_id

-- fires: nothing
select order_id from orders distribute by customer_id sort by order_id

-- fires: nothing
select named_struct('a', 1).a as a, array(1, 2)[0] as b, map('k', 'v')['k'] as c

-- fires: nothing
values (1, 'a'), (2, 'b')

-- fires: left-join-turned-inner
select c.name, o.status from customers c left join orders o on o.customer_id = c.customer_id where o.order_id is not null

-- fires: left-join-turned-inner
select c.name, o.status from customers c left join orders o on o.customer_id = c.customer_id where o.status not in ('a', 'b')

-- fires: nothing
select status, sum(amount) / count(*) as mean from orders group by status

-- fires: nothing
select /*+ use_hash(o c) */ o.order_id from orders o join customers c on c.customer_id = o.customer_id

-- fires: function-on-column
delete from orders where year(ordered_at) = 2025

-- fires: function-on-column
update orders set status = 'old' where date(ordered_at) = '2026-03-01' and status = 'new'

-- fires: nothing
delete from orders where ordered_at < '2025-01-01'

-- fires: nothing
update orders set ordered_on = date(ordered_at) where order_id = 4

-- fires: arithmetic-on-column
delete from orders where amount * 100 > 5000

-- fires: coalesce-in-filter
update orders set status = 'x' where coalesce(country, 'DE') = 'DE'

-- fires: nothing
delete from orders where lower(status) = lower(country)
