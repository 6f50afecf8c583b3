-- error: one of state
SELECT count(*) FROM "example"."accounts" AS t
WHERE ("state" NOT IN ('open', 'closed'));
