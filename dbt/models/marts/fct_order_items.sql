{{ config(
    materialized='incremental',
    incremental_strategy='replace_range',
    on_schema_change='append_new_columns',
    tags=['daily'],
    meta={'dataeng': {
        'partition': 'order_day',
        'published': true,
        'touched': {
            'bronze.shop.orders': days_of_changed_rows('bronze_shop.orders', key=['order_id'], at='ordered_at'),
            'bronze.shop.order_items': days_of_changed_rows('bronze_shop.orders', key=['order_id'], at='ordered_at'),
            'bronze.shop.products': days_of_changed_dimension(
                '(
                    select items.product_id, orders.ordered_at
                    from bronze_shop.order_items as items
                    inner join bronze_shop.orders as orders on items.order_id = orders.order_id
                )',
                key='product_id', at='ordered_at', dimension='bronze_shop.products'
            ),
            'bronze.shop.product_categories': days_of_changed_dimension(
                '(
                    select products.category_id, orders.ordered_at
                    from bronze_shop.products as products
                    inner join bronze_shop.order_items as items on products.product_id = items.product_id
                    inner join bronze_shop.orders as orders on items.order_id = orders.order_id
                )',
                key='category_id', at='ordered_at',
                dimension='bronze_shop.product_categories', clock='_extracted_at'
            ),
        },
    }},
) }}

with orders as (
    select *
    from {{ ref('stg_shop__orders') }}
    where {{ only_window('order_day') }}
),

items as (
    select
        items.order_id,
        items.line_number,
        orders.order_day,
        items.product_id,
        orders.order_status,
        orders.currency,
        items.quantity,
        items.unit_price,
        items.line_amount,
        orders.discount_amount,
        items.is_gift,
        orders.ordered_at
    from {{ ref('stg_shop__order_items') }} as items
    inner join orders on items.order_id = orders.order_id
),

discounted as (
    select
        * exclude (discount_amount),
        {{ allocated('discount_amount', weight='line_amount', whole='order_id', order='line_number') }}
            as discount_amount
    from items
),

with_product as (
    select
        discounted.*,
        {{ as_of_value('product', 'product_key', at='discounted.ordered_at') }} as product_key,
        {{ as_of_value('product', 'category_id', at='discounted.ordered_at') }} as category_id
    from discounted
    {{ left_join_as_of(
        ref('dim_products'),
        alias='product',
        on='discounted.product_id = product.product_id',
        at='discounted.ordered_at'
    ) }}
),

with_category as (
    select
        with_product.*,
        {{ as_of_value('category', 'category_key', at='with_product.ordered_at') }} as category_key
    from with_product
    {{ left_join_as_of(
        ref('dim_categories'),
        alias='category',
        on='with_product.category_id = category.category_id',
        at='with_product.ordered_at'
    ) }}
)

select
    order_id,
    line_number,
    order_day,
    coalesce(product_key, '-1') as product_key,
    coalesce(category_key, '-1') as category_key,
    product_id,
    order_status,
    currency,
    quantity,
    cast(unit_price as decimal(12, 2)) as unit_price,
    cast(line_amount as decimal(12, 2)) as gross_amount,
    cast(discount_amount as decimal(12, 2)) as discount_amount,
    cast(line_amount - discount_amount as decimal(12, 2)) as net_amount,
    is_gift,
    ordered_at
from with_category
