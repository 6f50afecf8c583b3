-- error: not null updated at
SELECT count(*) FROM example.accounts AS t
WHERE (updated_at IS NULL);
