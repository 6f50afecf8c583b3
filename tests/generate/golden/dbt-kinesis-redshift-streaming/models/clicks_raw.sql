{{ config(materialized="materialized_view", auto_refresh=True) }}

-- Each record as it came; what is no JSON stands there too, without `record`.
SELECT
  shard_id,
  sequence_number,
  approximate_arrival_timestamp,
  refresh_time,
  kinesis_data AS raw_value,
  CASE WHEN CAN_JSON_PARSE(kinesis_data) THEN JSON_PARSE(kinesis_data) END AS record
FROM example_stream."clicks"
