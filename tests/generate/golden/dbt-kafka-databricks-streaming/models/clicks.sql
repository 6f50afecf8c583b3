{{ config(materialized="view") }}

-- Events that keep the contract, in its types. Personal columns end before this.
SELECT
  kafka_partition,
  kafka_offset,
  CAST(record:`click_id` AS STRING) AS `click_id`,
  TRY_CAST(CAST(record:`user_id` AS STRING) AS BIGINT) AS `user_id`,
  CAST(record:`event_type` AS STRING) AS `event_type`,
  TRY_CAST(CAST(record:`clicked_at` AS STRING) AS TIMESTAMP) AS `clicked_at`
FROM {{ ref("clicks_judged") }}
WHERE reason IS NULL
