{{ config(materialized='table') }}

-- Made anew each time: a department that is renamed changes every category below it, and there are few.
with versions as (
    {{ scd2(
        history=ref('stg_shop__product_categories_history'),
        entity='category',
        key=['category_id'],
        columns={
            'slug': 1,
            'category_name': 2,
            'parent_id': 2,
            'is_visible': 2,
            'return_period': 2,
            'sort_order': 1,
        },
        clock='_extracted_at',
        first_from='1900-01-01 00:00:00+00',
    ) }}
)

select
    versions.category_key,
    versions.category_id,
    versions.slug,
    versions.category_name,
    versions.parent_id,
    places.parent_name,
    places.department_id,
    coalesce(places.department_name, 'unknown') as department_name,
    versions.is_visible,
    versions.return_period,
    versions.sort_order,
    versions.valid_from,
    versions.valid_to,
    versions.is_current
from versions
left join {{ ref('int_shop__category_departments') }} as places on versions.category_id = places.category_id

union all

-- the category of facts that have none
select
    '-1' as category_key,
    null as category_id,
    'unknown' as slug,
    'unknown' as category_name,
    null as parent_id,
    null as parent_name,
    null as department_id,
    'unknown' as department_name,
    null as is_visible,
    null as return_period,
    null as sort_order,
    timestamptz '1900-01-01 00:00:00+00' as valid_from,
    null as valid_to,
    true as is_current
