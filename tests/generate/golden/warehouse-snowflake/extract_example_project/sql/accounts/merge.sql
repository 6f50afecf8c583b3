MERGE INTO example.accounts AS t
USING _staged_accounts AS s
ON t.account_id = s.account_id
WHEN MATCHED AND (
  t.email IS DISTINCT FROM s.email
  OR t.plan IS DISTINCT FROM s.plan
  OR t.country IS DISTINCT FROM s.country
  OR t.state IS DISTINCT FROM s.state
  OR t.seats IS DISTINCT FROM s.seats
  OR t.balance IS DISTINCT FROM s.balance
  OR t.closed_at IS DISTINCT FROM s.closed_at
  OR t.updated_at IS DISTINCT FROM s.updated_at
) THEN UPDATE SET
  email = s.email,
  plan = s.plan,
  country = s.country,
  state = s.state,
  seats = s.seats,
  balance = s.balance,
  closed_at = s.closed_at,
  updated_at = s.updated_at
WHEN NOT MATCHED THEN INSERT (account_id, email, plan, country, state, seats, balance, closed_at, updated_at)
  VALUES (s.account_id, s.email, s.plan, s.country, s.state, s.seats, s.balance, s.closed_at, s.updated_at);
