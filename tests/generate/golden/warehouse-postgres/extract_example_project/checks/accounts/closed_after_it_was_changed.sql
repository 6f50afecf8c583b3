-- error: closed after it was changed
SELECT count(*) FROM "example"."accounts" AS t
WHERE (NOT ("closed_at" <= "updated_at"));
