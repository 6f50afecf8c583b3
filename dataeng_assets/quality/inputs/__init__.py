"""Opening whatever people validate, so that the engine reads it as one relation of SQL.

`open.open_input` takes the name of a file, folder, glob, Delta table, Postgres table, DuckDB table or table of this
platform and gives an `opened.Input`. What comes in columns with types (Parquet, Delta, DuckDB) is scanned where it
lies. What comes in rows (CSV, JSON, Avro, Arrow, the text of COPY) is read once, checked to its end, and spilled into
temporary Parquet, because the engine scans an input more than once; the spill is removed when the input is closed.
Judging what was opened belongs to the engine.
"""
