-- Whether each offset of a topic is in its events or its dead letters, once: `missing` and `doubled` are 0.
-- An offset that a rolled back transaction or a transaction's marker took was never a record, and counts as missing.
-- psql -f verify.sql, as a user who may read the tables.
SELECT
    _kafka_partition,
    max(_kafka_offset) - min(_kafka_offset) + 1 - count(DISTINCT _kafka_offset) AS missing,
    count(*) - count(DISTINCT _kafka_offset) AS doubled
FROM (
    SELECT _kafka_partition, _kafka_offset FROM "stream_example"."clicks"
    UNION ALL
    SELECT _kafka_partition, _kafka_offset FROM "stream_example"."clicks_dead_letters"
) AS read
GROUP BY _kafka_partition
ORDER BY _kafka_partition;
