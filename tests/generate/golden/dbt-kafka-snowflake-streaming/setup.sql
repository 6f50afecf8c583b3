-- Written by `dataeng generate --type dbt --source kafka --destination snowflake --mode streaming`.
-- Change the contracts or the options and run it again.
-- Holds: Each event reaches the destination exactly once.
-- Holds: No value changes its type or is rounded without an error.
-- Holds: Running the same window or batch again changes nothing.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Does not hold: An event that cannot be read or comes too late is kept apart, with the reason. What breaks the
--   contract is a dead letter; a late event changes the figure of its window whenever it comes.
-- Does not hold: What was written is compared with what was read, before it is committed. The warehouse compares
--   nothing; count the raw table by partition and offset, or by shard.
-- An administrator runs this once, in the database of the tables, as a role that may make roles and schemas.
-- Who sends rows: Kafka Connect (dataeng generate --type kafka-connect --source kafka --destination snowflake), with
-- snowflake.topic2table.map=clicks:CLICKS_RAW. It finds the pipe by the table's name.
CREATE SCHEMA IF NOT EXISTS example;
CREATE SCHEMA IF NOT EXISTS marts;

-- Each record as it came: no cast can fail here, and none is made in silence.
CREATE TABLE IF NOT EXISTS example.clicks_raw (
    record VARIANT,
    kafka_partition NUMBER(10,0),
    kafka_offset NUMBER(19,0)
)
-- dynamic tables follow what changes; only the owner could turn this on later
CHANGE_TRACKING = TRUE;
-- Snowpipe Streaming, high-performance: rows are there after 5 to 10 seconds
CREATE PIPE IF NOT EXISTS example.clicks_raw AS
COPY INTO example.clicks_raw (record, kafka_partition, kafka_offset)
FROM (
    SELECT $1, $1:RECORD_METADATA.partition::NUMBER(10,0), $1:RECORD_METADATA.offset::NUMBER(19,0)
    FROM TABLE(DATA_SOURCE(TYPE => 'STREAMING'))
);

-- Who sends rows may insert into these tables, and nothing else.
CREATE ROLE IF NOT EXISTS stream_example_writer;
GRANT USAGE ON SCHEMA example TO ROLE stream_example_writer;
GRANT INSERT ON TABLE example.clicks_raw TO ROLE stream_example_writer;
GRANT OPERATE ON PIPE example.clicks_raw TO ROLE stream_example_writer;

-- Who runs dbt reads them, and makes what is derived.
CREATE ROLE IF NOT EXISTS stream_example_transformer;
GRANT USAGE ON SCHEMA example TO ROLE stream_example_transformer;
GRANT SELECT ON TABLE example.clicks_raw TO ROLE stream_example_transformer;
GRANT USAGE, CREATE DYNAMIC TABLE, CREATE VIEW ON SCHEMA marts TO ROLE stream_example_transformer;
-- Both need USAGE on the database, and the transformer USAGE on a warehouse, which bear your own names:
-- GRANT USAGE ON DATABASE ... TO ROLE stream_example_writer;
-- GRANT USAGE ON DATABASE ... TO ROLE stream_example_transformer;
-- GRANT USAGE ON WAREHOUSE ... TO ROLE stream_example_transformer;
