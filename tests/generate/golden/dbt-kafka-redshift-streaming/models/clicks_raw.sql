{{ config(materialized="materialized_view", auto_refresh=True) }}

-- Each record as it came; what is no JSON stands there too, without `record`.
SELECT
  kafka_partition,
  kafka_offset,
  kafka_timestamp,
  refresh_time,
  kafka_value AS raw_value,
  CASE WHEN CAN_JSON_PARSE(kafka_value) THEN JSON_PARSE(kafka_value) END AS record
FROM example_stream."clicks"
