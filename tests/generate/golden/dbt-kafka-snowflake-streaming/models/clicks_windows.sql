{{ config(
    materialized="dynamic_table",
    target_lag="1 minute",
    snowflake_warehouse=env_var("SNOWFLAKE_WAREHOUSE"),
    refresh_mode="INCREMENTAL"
) }}

-- Events by window, each once by its key. A late event changes the figure of its window.
SELECT
  window_start,
  COUNT(*) AS events
FROM (
  SELECT DISTINCT
    TIME_SLICE(CONVERT_TIMEZONE('UTC', clicked_at)::TIMESTAMP_NTZ, 5, 'MINUTE') AS window_start,
    click_id
  FROM {{ ref("clicks") }}
) AS each_once
GROUP BY 1
