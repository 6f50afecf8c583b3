{{ config(materialized="view") }}

-- Events that keep the contract, in its types. Personal columns end before this.
SELECT
  kafka_partition,
  kafka_offset,
  e.record."click_id"::VARCHAR(65535) AS "click_id",
  TRY_CAST(e.record."user_id"::VARCHAR(65535) AS BIGINT) AS "user_id",
  e.record."event_type"::VARCHAR(65535) AS "event_type",
  TRY_CAST(e.record."clicked_at"::VARCHAR(65535) AS TIMESTAMP) AS "clicked_at"
FROM {{ ref("clicks_judged") }} AS e
WHERE reason IS NULL
