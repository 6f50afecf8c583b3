-- Written by `dataeng generate --type dbt --source kafka --destination bigquery --mode streaming`.
-- Change the contracts or the options and run it again.
-- Does not hold: Each event reaches the destination exactly once. The connector may repeat a record after a
--   crash; the counts take each key once.
-- Holds: No value changes its type or is rounded without an error.
-- Holds: Running the same window or batch again changes nothing.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Does not hold: An event that cannot be read or comes too late is kept apart, with the reason. What the table's
--   types do not take is in the connector's dead letters; a late event changes the figure of its window whenever
--   it comes.
-- Does not hold: What was written is compared with what was read, before it is committed. The warehouse compares
--   nothing; count the raw table by partition and offset, or by shard.
-- An administrator runs this once. The tables are made by tables.sql of the connector that fills them, by the Storage
-- Write API: dataeng generate --type kafka-connect --source kafka --destination bigquery, with DATASET = example.
-- The service accounts are yours to fill in; whoever runs dbt has roles/bigquery.jobUser in the project as well.
CREATE SCHEMA IF NOT EXISTS marts;
-- Who sends rows may write this table, and nothing else.
GRANT `roles/bigquery.dataEditor` ON TABLE example.`clicks` TO 'serviceAccount:REPLACE-WITH-WRITER';
-- Who runs dbt reads it.
GRANT `roles/bigquery.dataViewer` ON TABLE example.`clicks` TO 'serviceAccount:REPLACE-WITH-TRANSFORMER';
GRANT `roles/bigquery.dataEditor` ON SCHEMA marts TO 'serviceAccount:REPLACE-WITH-TRANSFORMER';
