{{ config(materialized="view") }}

-- Events by window, each once by its key. A late event changes the figure of its window.
SELECT
  window_start,
  COUNT(*) AS events
FROM (
  SELECT DISTINCT
    DATEADD(MINUTE, (DATE_PART(MINUTE, "clicked_at")::INTEGER / 5) * 5, DATE_TRUNC('hour', "clicked_at")) AS window_start,
    "click_id"
  FROM {{ ref("clicks") }}
) AS each_once
GROUP BY 1
