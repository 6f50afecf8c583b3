-- error: unique account id
SELECT count(*) FROM (
  SELECT account_id FROM example.accounts AS t
  WHERE account_id IS NOT NULL
  GROUP BY account_id HAVING count(*) > 1
) AS doubled;
