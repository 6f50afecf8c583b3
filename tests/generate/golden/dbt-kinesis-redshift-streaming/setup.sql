-- Written by `dataeng generate --type dbt --source kinesis --destination redshift --mode streaming`.
-- Change the contracts or the options and run it again.
-- Holds: Each event reaches the destination exactly once.
-- Holds: No value changes its type or is rounded without an error.
-- Holds: Running the same window or batch again changes nothing.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Does not hold: An event that cannot be read or comes too late is kept apart, with the reason. What breaks the
--   contract is a dead letter; a late event changes the figure of its window whenever it comes. Redshift skips a
--   record that it cannot load, such as one that is too large: see SYS_STREAM_SCAN_ERRORS.
-- Does not hold: What was written is compared with what was read, before it is committed. The warehouse compares
--   nothing; count the raw table by partition and offset, or by shard.
-- An administrator runs this once. The cluster's default IAM role has iam_policy.json, and nothing beside it.
CREATE EXTERNAL SCHEMA IF NOT EXISTS example_stream
FROM KINESIS
IAM_ROLE DEFAULT;
CREATE SCHEMA IF NOT EXISTS marts;

-- Who runs dbt reads the stream, and makes what is derived.
CREATE ROLE stream_example_transformer;
GRANT USAGE ON SCHEMA example_stream TO ROLE stream_example_transformer;
GRANT USAGE, CREATE ON SCHEMA marts TO ROLE stream_example_transformer;
