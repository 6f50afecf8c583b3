-- error: not null account id
SELECT count(*) FROM "example"."accounts" AS t
WHERE ("account_id" IS NULL);
