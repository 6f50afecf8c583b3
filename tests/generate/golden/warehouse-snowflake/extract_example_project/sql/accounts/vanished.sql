SELECT count(*) FROM example.accounts AS t
WHERE NOT EXISTS (
  SELECT 1 FROM _staged_accounts AS s WHERE s.account_id = t.account_id
);
