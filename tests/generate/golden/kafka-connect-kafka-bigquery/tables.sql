-- Written by `dataeng generate --type kafka-connect --source kafka --destination bigquery`.
-- Change the contracts or the options and run it again.
-- Does not hold: Each event reaches the destination exactly once. After a crash the connector may write a record
--   again; the view `NAME_once` keeps one by partition and offset.
-- Holds: No value changes its type or is rounded without an error.
-- Does not hold: An event that cannot be read or comes too late is kept apart, with the reason. A record that is
--   no JSON is in the dead letters; one that does not fit the table's types stops the connector or is in the
--   destination's own error table.
-- Holds: Memory follows the size of a batch and not of the table.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Tables of stream_example in the data set DATASET, and views that keep one row for each partition and offset.
-- The connector's service account needs roles/bigquery.dataEditor on this data set only, and roles/bigquery.jobUser.
CREATE TABLE IF NOT EXISTS `DATASET.clicks` (
  `click_id` STRING NOT NULL,
  `user_id` INT64,
  `event_type` STRING NOT NULL,
  `clicked_at` TIMESTAMP NOT NULL,
  kafka STRUCT<topic STRING, `partition` INT64, `offset` INT64, insertTime TIMESTAMP>
)
PARTITION BY DATE(`clicked_at`);
CREATE OR REPLACE VIEW `DATASET.clicks_once` AS
SELECT *
FROM `DATASET.clicks`
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY kafka.topic, kafka.`partition`, kafka.`offset` ORDER BY kafka.insertTime) = 1;
