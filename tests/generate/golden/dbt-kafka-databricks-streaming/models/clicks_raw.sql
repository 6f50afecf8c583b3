{{ config(materialized="streaming_table") }}

-- Each record as it came; what is no JSON stands there too, without `record`. Offsets that are gone stop the stream.
SELECT
  partition AS kafka_partition,
  offset AS kafka_offset,
  timestamp AS kafka_timestamp,
  value AS raw_value,
  TRY_PARSE_JSON(CAST(value AS STRING)) AS record
FROM STREAM read_kafka(
  bootstrapServers => '{{ env_var("DATAENG_KAFKA_BOOTSTRAP") }}',
  subscribe => 'clicks',
  startingOffsets => 'earliest',
  failOnDataLoss => 'true',
  `kafka.isolation.level` => 'read_committed',
  `kafka.security.protocol` => 'SASL_SSL',
  `kafka.sasl.mechanism` => 'SCRAM-SHA-512',
  `kafka.sasl.jaas.config` => CONCAT(
    'kafkashaded.org.apache.kafka.common.security.scram.ScramLoginModule required username="',
    secret('stream_example', 'username'), '" password="', secret('stream_example', 'password'), '";'
  )
)
