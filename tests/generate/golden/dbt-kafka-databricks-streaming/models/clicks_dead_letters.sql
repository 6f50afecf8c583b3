{{ config(materialized="view") }}

-- The others, with the reason. They may hold what tells who a person is.
SELECT
  kafka_partition,
  kafka_offset,
  reason,
  raw_value
FROM {{ ref("clicks_judged") }}
WHERE reason IS NOT NULL
