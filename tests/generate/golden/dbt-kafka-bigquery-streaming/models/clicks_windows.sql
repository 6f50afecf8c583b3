{{ config(materialized="view") }}

-- Events by window, each once by its key. A late event changes the figure of its window.
SELECT
  window_start,
  COUNT(*) AS events
FROM {{ ref("clicks_once") }}
GROUP BY 1
