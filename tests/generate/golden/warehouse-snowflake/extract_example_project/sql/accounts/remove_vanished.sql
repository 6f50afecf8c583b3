DELETE FROM example.accounts
WHERE NOT EXISTS (
  SELECT 1 FROM _staged_accounts AS s WHERE s.account_id = example.accounts.account_id
);
