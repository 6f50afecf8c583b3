SELECT count(*) FROM _staged_accounts;
