-- Written by `dataeng generate --type kafka-connect --source kafka --destination snowflake`.
-- Change the contracts or the options and run it again.
-- Holds: Each event reaches the destination exactly once.
-- Holds: No value changes its type or is rounded without an error.
-- Does not hold: An event that cannot be read or comes too late is kept apart, with the reason. A record that is
--   no JSON is in the dead letters; one that does not fit the table's types stops the connector or is in the
--   destination's own error table.
-- Holds: Memory follows the size of a batch and not of the table.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Tables of stream_example, and a role that may write them and nothing else. Run it in the database and schema of the tables.
CREATE ROLE IF NOT EXISTS stream_example_writer;
CREATE TABLE IF NOT EXISTS clicks (
    RECORD_METADATA VARIANT,
    "CLICK_ID" VARCHAR NOT NULL,
    "USER_ID" NUMBER(19,0),
    "EVENT_TYPE" VARCHAR NOT NULL,
    "CLICKED_AT" TIMESTAMP_TZ(6) NOT NULL
) ERROR_LOGGING = TRUE;
GRANT SELECT, INSERT ON TABLE clicks TO ROLE stream_example_writer;
