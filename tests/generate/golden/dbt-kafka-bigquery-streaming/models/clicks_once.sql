{{ config(
    materialized="materialized_view",
    enable_refresh=True,
    refresh_interval_minutes=5
) }}

-- One row for each key: BigQuery computes it from what is new, and what is not yet computed is read when it is asked.
SELECT
  TIMESTAMP_SECONDS(300 * DIV(UNIX_SECONDS(`clicked_at`), 300)) AS window_start,
  `click_id`,
  COUNT(*) AS records
FROM {{ source("example", "clicks") }}
GROUP BY 1, 2
