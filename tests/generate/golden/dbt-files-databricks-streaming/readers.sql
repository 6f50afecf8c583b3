-- Written by `dataeng generate --type dbt --source files --destination databricks --mode streaming`.
-- Change the contracts or the options and run it again.
-- Holds: Each event reaches the destination exactly once.
-- Holds: No value changes its type or is rounded without an error.
-- Holds: Running the same window or batch again changes nothing.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Holds: An event that cannot be read or comes too late is kept apart, with the reason.
-- Does not hold: What was written is compared with what was read, before it is committed. The warehouse compares
--   nothing; count the raw table by file.
-- After the first `dbt run`. Readers see what keeps the contract; personal columns end in the raw table.
GRANT USE SCHEMA ON SCHEMA marts TO `extract_example_reader`;
GRANT SELECT ON TABLE marts.`accounts` TO `extract_example_reader`;
