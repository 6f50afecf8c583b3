{{ config(materialized="dynamic_table", target_lag="downstream", snowflake_warehouse=env_var("SNOWFLAKE_WAREHOUSE"), refresh_mode="INCREMENTAL") }}

-- Events that keep the contract, in its types. Personal columns end before this.
SELECT
  kafka_partition,
  kafka_offset,
  GET(record, 'click_id')::VARCHAR AS click_id,
  TRY_CAST(GET(record, 'user_id')::VARCHAR AS BIGINT) AS user_id,
  GET(record, 'event_type')::VARCHAR AS event_type,
  TRY_CAST(GET(record, 'clicked_at')::VARCHAR AS TIMESTAMP_TZ(6)) AS clicked_at
FROM {{ ref("clicks_judged") }}
WHERE reason IS NULL
