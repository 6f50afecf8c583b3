{{ config(materialized="streaming_table") }}

-- Each record as it came; what is no JSON stands there too, without `record`.
SELECT
  shardId AS shard_id,
  sequenceNumber AS sequence_number,
  approximateArrivalTimestamp AS arrived_at,
  data AS raw_value,
  TRY_PARSE_JSON(CAST(data AS STRING)) AS record
FROM STREAM read_kinesis(
  streamName => 'clicks',
  region => '{{ env_var("KINESIS_REGION") }}',
  initialPosition => 'earliest'
)
