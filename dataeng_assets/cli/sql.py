"""`dataeng sql`: a question to any layer."""

from typing import Annotated

import typer


def sql(
    query: Annotated[str, typer.Argument(help="A query in DuckDB's SQL.")] = "show all tables",
    csv: Annotated[bool, typer.Option("--csv", help="Print all rows as CSV instead of a table.")] = False,
) -> None:
    """Read any layer, locking nobody out. Without a query: the list of tables.

    Examples:

      dataeng sql

      dataeng sql "select * from gold.fct_orders limit 5"

      dataeng sql "select _op, count(*) from bronze_shop.orders group by all"

      dataeng sql --csv "from marts.agg_daily_revenue" > revenue.csv
    """
    import duckdb

    from dataeng_assets.orchestration.query import open_layers

    with open_layers(notice=lambda line: typer.echo(line, err=True)) as connection:
        try:
            rows = connection.sql(query)
            if rows is None:
                return
            if csv:
                rows.write_csv("/dev/stdout")
            else:
                typer.echo(str(rows))
        except duckdb.Error as error:
            typer.echo(f"{error}\nThe tables there are: dataeng sql", err=True)
            raise typer.Exit(2) from None
