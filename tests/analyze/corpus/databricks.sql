-- fires: copy-force
copy into orders from '/x' fileformat = csv copy_options ('force' = 'true')

-- fires: nothing
copy into orders from '/x' fileformat = csv

-- fires: zorder
optimize orders zorder by (customer_id)

-- fires: nothing
optimize orders

-- fires: nothing
vacuum orders retain 168 hours

-- fires: function-on-column
select order_id from orders where date(ordered_at) = '2026-03-01'

-- fires: nothing
select order_id from orders where ordered_at >= '2026-03-01'

-- fires: function-on-column
select order_id from orders where date_trunc('day', ordered_at) = '2026-03-01'

-- fires: nothing
select payload:status as status from orders

-- fires: single-task-hint
select /*+ coalesce(1) */ order_id from orders

-- fires: nothing
create table n (id bigint, status string) cluster by (status)

-- fires: nothing
create streaming table n as select order_id from stream(orders)

-- fires: nothing
select order_id from orders timestamp as of '2026-03-01'

-- fires: merge-source-not-unique
merge into orders t using (select id, status from changes) s on t.id = s.id when matched then update set * when not matched then insert *

-- fires: nothing
select order_id from orders qualify row_number() over (partition by customer_id order by ordered_at desc) = 1

-- fires: overwrite-without-partition
insert overwrite orders (id, status) select id, status from new_orders where status is not null

-- fires: nothing
insert overwrite orders partition (event_date = '2026-03-01') (id) select id from new_orders where status is not null
