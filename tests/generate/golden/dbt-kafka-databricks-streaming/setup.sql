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
-- An administrator runs this once, after `USE CATALOG ...`. The groups are made in the account.
-- Kafka's user and password stand in the secret scope stream_example: databricks secrets put-secret stream_example username, and password.
-- Whoever runs dbt has READ on that scope only.
CREATE SCHEMA IF NOT EXISTS marts;
GRANT USE SCHEMA, CREATE TABLE, CREATE MATERIALIZED VIEW ON SCHEMA marts TO `stream_example_transformer`;
