-- Written by `dataeng generate --type spark-streaming --source kafka --destination postgres`.
-- Change the contracts or the options and run it again.
-- Holds: Each event reaches the destination exactly once.
-- Holds: No value changes its type or is rounded without an error.
-- Holds: Running the same window or batch again changes nothing.
-- Holds: Memory follows the size of a batch and not of the table.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Does not hold: An event that cannot be read or comes too late is kept apart, with the reason. An event that
--   cannot be read is a dead letter, and a late one is in the table of events; but Spark leaves it out of its
--   window and only counts it, and which one is late depends on how the batches fell. One whose time is further
--   ahead of its record's than the contract allows is treated alike, so that it makes no other late.
-- Does not hold: What was written is compared with what was read, before it is committed. The rows of a batch
--   are counted against what was read, in the transaction that commits them and the batch's number; their values
--   are not compared. `verify.sql` compares counts with offsets.
-- Run it as the owner of the database: psql -v ON_ERROR_STOP=1 -f tables.sql. Run again, it changes nothing.
-- The job's user may add to these tables, note its progress and stage rows, and nothing else: it cannot read, change or
-- delete what it has written. Give it a password afterwards: \password stream_example
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'stream_example') THEN
        CREATE ROLE "stream_example" LOGIN;
    END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS "stream_example";
CREATE SCHEMA IF NOT EXISTS "stream_example_staging";

-- By query: the id of its checkpoint, and the last batch that is in the tables.
CREATE TABLE IF NOT EXISTS "stream_example"._progress (
    query text PRIMARY KEY,
    checkpoint uuid NOT NULL,
    batch bigint NOT NULL
);

CREATE TABLE IF NOT EXISTS "stream_example"."clicks" (
    "click_id" uuid NOT NULL,
    "user_id" bigint,
    "event_type" text NOT NULL,
    "clicked_at" timestamp with time zone NOT NULL,
    "_rescued" json,
    "_kafka_partition" integer,
    "_kafka_offset" bigint,
    "_kafka_timestamp" timestamp with time zone NOT NULL,
    PRIMARY KEY ("_kafka_partition", "_kafka_offset")
);

CREATE TABLE IF NOT EXISTS "stream_example"."clicks_dead_letters" (
    "_kafka_partition" integer,
    "_kafka_offset" bigint,
    "_kafka_timestamp" timestamp with time zone NOT NULL,
    "_reason" text NOT NULL,
    "key" bytea,
    "value" bytea,
    PRIMARY KEY ("_kafka_partition", "_kafka_offset")
);

CREATE TABLE IF NOT EXISTS "stream_example"."clicks_windows" (
    "window_start" timestamp with time zone,
    "window_end" timestamp with time zone NOT NULL,
    "records" bigint NOT NULL,
    PRIMARY KEY ("window_start")
);

GRANT USAGE ON SCHEMA "stream_example" TO "stream_example";
GRANT USAGE, CREATE ON SCHEMA "stream_example_staging" TO "stream_example";
GRANT SELECT, INSERT, UPDATE ON "stream_example"._progress TO "stream_example";
GRANT INSERT ON "stream_example"."clicks" TO "stream_example";
GRANT INSERT ON "stream_example"."clicks_dead_letters" TO "stream_example";
GRANT INSERT ON "stream_example"."clicks_windows" TO "stream_example";
