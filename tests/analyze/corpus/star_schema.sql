-- fires: nothing
with revenue as (
  select s.store_id, d.month_of_year, sum(f.net_amount) as net
  from sales f join stores s on s.store_key = f.store_key join dates d on d.date_key = f.date_key
  where d.year_number = 2025 and s.region in ('north', 'east')
  group by s.store_id, d.month_of_year
)
select r.store_id, r.month_of_year, r.net, avg(r.net) over (partition by r.store_id) as mean
from revenue r
where r.net > 1000
order by r.store_id, r.month_of_year
limit 100

-- fires: nothing
select i.brand, sum(f.quantity) as units, sum(f.net_amount) as net
from sales f join items i on i.item_key = f.item_key join dates d on d.date_key = f.date_key
where d.quarter_name = '2025Q3' and i.category = 'Books'
group by i.brand
having sum(f.net_amount) > 500
order by net desc
limit 50

-- fires: nothing
select c.customer_id, c.last_name
from customers c
where exists (select 1 from sales f join dates d on d.date_key = f.date_key
  where f.customer_key = c.customer_key and d.year_number = 2025)
  and not exists (select 1 from returns r where r.customer_key = c.customer_key)
order by c.customer_id
limit 100

-- fires: nothing
select channel, item_id, total, rank() over (partition by channel order by total desc) as place
from (
  select 'store' as channel, i.item_id, sum(f.net_amount) as total
  from sales f join items i on i.item_key = f.item_key group by i.item_id
  union all
  select 'web' as channel, i.item_id, sum(w.net_amount) as total
  from web_sales w join items i on i.item_key = w.item_key group by i.item_id
) by_channel
order by channel, place
limit 100

-- fires: nothing
select s.state, i.category, sum(f.net_amount) as net, grouping(s.state) + grouping(i.category) as level
from sales f join stores s on s.store_key = f.store_key join items i on i.item_key = f.item_key
group by rollup (s.state, i.category)
order by level desc, net desc
limit 100

-- fires: nothing
select sum(case when f.quantity between 1 and 20 then 1 else 0 end) as few,
  sum(case when f.quantity between 21 and 40 then 1 else 0 end) as some,
  avg(case when f.quantity > 40 then f.net_amount end) as large
from sales f join stores s on s.store_key = f.store_key
where s.state = 'TX'

-- fires: comma-join, comma-join
select i.item_id, s.state, avg(f.quantity) as quantity, avg(f.list_price) as price
from sales f, items i, stores s
where f.item_key = i.item_key and f.store_key = s.store_key and i.category = 'Music'
group by i.item_id, s.state
order by i.item_id, s.state
limit 100

-- fires: correlated-scalar-subquery
select f.ticket_number
from sales f
where f.net_amount > (select 1.2 * avg(g.net_amount) from sales g where g.store_key = f.store_key)
order by f.ticket_number
limit 100

-- fires: repeated-cte
with yearly as (
  select f.customer_key, d.year_number, sum(f.net_amount) as net
  from sales f join dates d on d.date_key = f.date_key
  group by f.customer_key, d.year_number
)
select c.customer_id
from yearly first_year join yearly second_year on second_year.customer_key = first_year.customer_key
join customers c on c.customer_key = first_year.customer_key
where first_year.year_number = 2024 and second_year.year_number = 2025 and second_year.net > first_year.net
order by c.customer_id
limit 100

-- fires: nothing
select promo, total, share
from (
  select p.kind as promo, sum(f.net_amount) as total,
    100.0 * sum(f.net_amount) / nullif(sum(sum(f.net_amount)) over (), 0) as share
  from sales f join promotions p on p.promotion_key = f.promotion_key
  group by p.kind
) shares
order by share desc
limit 10

-- fires: nothing
select w.warehouse_name, datediff(f.shipped_on, f.sold_on) as days, count(*) as orders
from web_sales f join warehouses w on w.warehouse_key = f.warehouse_key
where f.sold_on >= '2025-01-01' and f.sold_on < '2025-04-01'
group by w.warehouse_name, datediff(f.shipped_on, f.sold_on)

-- fires: order-by-ordinal
select nation, year_number, sum(profit) as profit
from (
  select n.name as nation, d.year_number, l.price * (1 - l.discount) - p.cost * l.quantity as profit
  from lines l join orders o on o.order_key = l.order_key join dates d on d.date_key = o.date_key
  join part_suppliers p on p.part_key = l.part_key and p.supplier_key = l.supplier_key
  join suppliers s on s.supplier_key = l.supplier_key join nations n on n.nation_key = s.nation_key
) profits
group by nation, year_number
order by 1, year_number desc

-- fires: nothing
select o.priority, count(*) as orders
from orders o
where o.ordered_on >= date '2025-07-01' and o.ordered_on < date '2025-07-01' + interval '3' month
  and exists (select 1 from lines l where l.order_key = o.order_key and l.committed_on < l.received_on)
group by o.priority
order by o.priority

-- fires: nothing
select sum(l.price * l.discount) as revenue
from lines l
where l.shipped_on >= date '2025-01-01' and l.shipped_on < date '2026-01-01'
  and l.discount between 0.05 and 0.07 and l.quantity < 24

-- fires: nothing
select l.return_flag, l.status, sum(l.quantity) as quantity, sum(l.price * (1 - l.discount)) as price,
  avg(l.quantity) as mean, count(*) as n
from lines l
where l.shipped_on <= date '2025-12-01' - interval '90' day
group by l.return_flag, l.status
order by l.return_flag, l.status

-- fires: nothing
select c_count, count(*) as customers
from (
  select c.customer_key, count(o.order_key) as c_count
  from customers c left join orders o on o.customer_key = c.customer_key and o.note not like 'special%'
  group by c.customer_key
) counts
group by c_count
order by customers desc, c_count desc

-- fires: leading-wildcard
select p.brand, p.size, count(distinct ps.supplier_key) as suppliers
from part_suppliers ps join parts p on p.part_key = ps.part_key
where p.brand <> 'Brand#45' and p.type not like 'MEDIUM%' and p.size in (1, 4, 7)
  and not exists (select 1 from suppliers s where s.supplier_key = ps.supplier_key and s.note like '%complaints%')
group by p.brand, p.size
order by suppliers desc, p.brand, p.size

-- fires: not-in-nullable
select p.brand, count(*) as n from part_suppliers ps join parts p on p.part_key = ps.part_key
where ps.supplier_key not in (select supplier_key from suppliers where note like 'bad%')
group by p.brand

-- fires: function-on-column
select substring(c.phone, 1, 2) as country, count(*) as n, sum(c.balance) as balance
from customers c
where substring(c.phone, 1, 2) in ('13', '31')
  and c.balance > (select avg(x.balance) from customers x where x.balance > 0)
group by substring(c.phone, 1, 2)
order by country

-- fires: nothing
with ranked as (
  select f.item_key, f.store_key, f.net_amount,
    row_number() over (partition by f.store_key order by f.net_amount desc, f.item_key) as place,
    lag(f.net_amount, 1) over (partition by f.store_key order by f.sold_on) as before
  from sales f
)
select r.store_key, r.item_key, r.net_amount - coalesce(r.before, 0) as change
from ranked r
where r.place <= 5

-- fires: nothing
select a.item_id, a.store_qty, b.web_qty
from (select i.item_id, sum(f.quantity) as store_qty from sales f join items i on i.item_key = f.item_key group by i.item_id) a
full outer join (select i.item_id, sum(w.quantity) as web_qty from web_sales w join items i on i.item_key = w.item_key group by i.item_id) b
on b.item_id = a.item_id
where coalesce(a.store_qty, 0) > coalesce(b.web_qty, 0)

-- fires: nothing
select customer_key from sales where sold_on >= '2025-01-01'
intersect
select customer_key from web_sales where sold_on >= '2025-01-01'
except
select customer_key from returns

-- fires: nothing
select d.day_name, s.store_id, stddev_samp(f.net_amount) as deviation, max(f.net_amount) as most
from dates d join sales f on f.date_key = d.date_key join stores s on s.store_key = f.store_key
where d.date between '2025-01-01' and '2025-03-31'
group by d.day_name, s.store_id
having max(f.net_amount) > 2 * min(f.net_amount)

-- fires: or-in-join
select f.ticket_number, c.last_name from sales f join customers c
on f.bill_customer_key = c.customer_key or f.ship_customer_key = c.customer_key

-- fires: division-by-zero
select a.item_key, a.net / b.net as ratio
from (select item_key, sum(net) as net from sales group by item_key) a
join (select item_key, sum(net) as net from web_sales group by item_key) b on b.item_key = a.item_key

-- fires: nothing
insert into daily_sales (sold_on, store_key, net)
select f.sold_on, f.store_key, sum(f.net_amount) from sales f where f.sold_on = '2025-03-01' group by f.sold_on, f.store_key

-- fires: nothing
with recursive_days as (select explode(sequence(date '2025-01-01', date '2025-01-31', interval '1' day)) as day)
select d.day, coalesce(sum(f.net_amount), 0) as net
from recursive_days d left join sales f on f.sold_on = d.day
group by d.day
order by d.day
