"""What a generated dbt project carries to read and write Delta tables. Copied as it stands; nothing here imports it."""
