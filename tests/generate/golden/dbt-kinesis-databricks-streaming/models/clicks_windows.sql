{{ config(materialized="materialized_view") }}

-- Events by window, each once by its key. A late event changes the figure of its window.
SELECT
  window_start,
  COUNT(*) AS events
FROM (
  SELECT DISTINCT
    TIMESTAMP_SECONDS(UNIX_SECONDS(`clicked_at`) DIV 300 * 300) AS window_start,
    `click_id`
  FROM {{ ref("clicks") }}
) AS each_once
GROUP BY 1
