-- error: between seats
SELECT count(*) FROM "example"."accounts" AS t
WHERE ("seats" < 1 OR "seats" > 500);
