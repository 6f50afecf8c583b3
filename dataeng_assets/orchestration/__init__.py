"""What we add to Dagster: calendar, dbt translation, change ledger, IO manager, conditions, failures."""
