{{ scd2(
    history=ref('stg_shop__inventory_levels_history'),
    entity='level',
    key=['warehouse_code', 'product_id'],
    columns={
        'on_hand': 2,
        'reserved': 2,
        'reorder_point': 2,
        'counted_on': 2,
    },
) }}
