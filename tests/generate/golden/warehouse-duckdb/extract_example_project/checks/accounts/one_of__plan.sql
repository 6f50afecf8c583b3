-- error: one of plan
SELECT count(*) FROM "example"."accounts" AS t
WHERE ("plan" NOT IN ('free', 'paid'));
