-- error: between balance
SELECT count(*) FROM "example"."accounts" AS t
WHERE ("balance" <= -10000);
