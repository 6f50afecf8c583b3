-- Written by `dataeng generate --type dbt --source kafka --destination databricks --mode streaming`.
-- Change the contracts or the options and run it again.
-- Holds: Each event reaches the destination exactly once.
-- Holds: No value changes its type or is rounded without an error.
-- Holds: Running the same window or batch again changes nothing.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Does not hold: An event that cannot be read or comes too late is kept apart, with the reason. What breaks the
--   contract is a dead letter; a late event changes the figure of its window whenever it comes.
-- Does not hold: What was written is compared with what was read, before it is committed. The warehouse compares
--   nothing; count the raw table by partition and offset, or by shard.
-- After the first `dbt run`. Readers see what is derived; personal columns end in the raw and the judged events.
GRANT USE SCHEMA ON SCHEMA marts TO `stream_example_reader`;
GRANT SELECT ON TABLE marts.`clicks` TO `stream_example_reader`;
GRANT SELECT ON TABLE marts.`clicks_windows` TO `stream_example_reader`;
