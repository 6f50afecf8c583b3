-- every category that was ever there, as it was when it was last seen
with recursive categories as (
    select
        category_id,
        parent_id,
        category_name
    from (
        select
            *,
            row_number() over (partition by category_id order by _extracted_at desc) as _newest
        from {{ ref('stg_shop__product_categories_history') }}
        where _op <> 'delete'
    )
    where _newest = 1
),

-- `union`, so that a circle of parents comes to an end
above as (
    select
        category_id,
        category_id as ancestor_id
    from categories

    union

    select
        above.category_id,
        categories.parent_id as ancestor_id
    from above
    inner join categories on above.ancestor_id = categories.category_id
    where categories.parent_id is not null
),

tops as (
    select
        above.category_id as below_id,
        categories.category_id,
        categories.category_name
    from above
    inner join categories on above.ancestor_id = categories.category_id
    where categories.parent_id is null
)

select
    categories.category_id,
    parents.category_name as parent_name,
    tops.category_id as department_id,
    tops.category_name as department_name
from categories
left join categories as parents on categories.parent_id = parents.category_id
left join tops on categories.category_id = tops.below_id
