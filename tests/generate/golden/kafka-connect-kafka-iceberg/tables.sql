-- Written by `dataeng generate --type kafka-connect --source kafka --destination iceberg`.
-- Change the contracts or the options and run it again.
-- Holds: Each event reaches the destination exactly once.
-- Holds: No value changes its type or is rounded without an error.
-- Does not hold: An event that cannot be read or comes too late is kept apart, with the reason. A record that is
--   no JSON is in the dead letters; one that does not fit the table's types stops the connector or is in the
--   destination's own error table.
-- Holds: Memory follows the size of a batch and not of the table.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Iceberg tables of stream_example, in the SQL of Spark; NAMESPACE stands for yours.
CREATE TABLE IF NOT EXISTS NAMESPACE.`clicks` (
    `click_id` string NOT NULL,
    `user_id` bigint,
    `event_type` string NOT NULL,
    `clicked_at` timestamp NOT NULL
) USING iceberg
PARTITIONED BY (days(`clicked_at`));
