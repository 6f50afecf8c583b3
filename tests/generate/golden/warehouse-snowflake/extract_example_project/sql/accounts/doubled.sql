SELECT count(*) FROM (SELECT account_id FROM _staged_accounts GROUP BY account_id HAVING count(*) > 1) AS doubled;
