-- The tables of stream_example, and a role that may write them and nothing else. Run it as often as you like.
CREATE TABLE IF NOT EXISTS "clicks" (
    "click_id" uuid NOT NULL,
    "user_id" bigint,
    "event_type" text NOT NULL,
    "clicked_at" timestamp with time zone NOT NULL,
    _rescued json,
    _kafka_partition integer NOT NULL,
    _kafka_offset bigint NOT NULL,
    _kafka_timestamp timestamp with time zone NOT NULL,
    PRIMARY KEY (_kafka_partition, _kafka_offset)
);
CREATE TABLE IF NOT EXISTS "clicks_dead_letters" (
    _kafka_partition integer NOT NULL,
    _kafka_offset bigint NOT NULL,
    _kafka_timestamp timestamp with time zone NOT NULL,
    _reason text NOT NULL,
    "key" bytea,
    "value" bytea,
    PRIMARY KEY (_kafka_partition, _kafka_offset)
);
CREATE TABLE IF NOT EXISTS "clicks_windows" (
    window_start timestamp with time zone NOT NULL,
    window_end timestamp with time zone NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (window_start)
);
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'stream_example_writer') THEN
        CREATE ROLE "stream_example_writer" NOLOGIN;
    END IF;
END
$$;
-- SELECT is what INSERT ... ON CONFLICT and LIKE need
GRANT SELECT, INSERT ON "clicks" TO "stream_example_writer";
GRANT SELECT, INSERT ON "clicks_dead_letters" TO "stream_example_writer";
GRANT SELECT, INSERT ON "clicks_windows" TO "stream_example_writer";
