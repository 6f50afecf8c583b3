"""The whole dbt project over a small bronze."""

from small_shop import Bronze, Warehouse


def test_x(bronze: Bronze, warehouse: Warehouse) -> None:
    bronze.everything()
    warehouse.build()
    print(warehouse.query("select * from marts.dim_customers"))
    warehouse.build("2026-01-05", "2026-01-05")
