INSERT INTO "example"."accounts" AS t ("account_id", "email", "plan", "country", "state", "seats", "balance", "closed_at", "updated_at")
SELECT "account_id", "email", "plan", "country", "state", "seats", "balance", "closed_at", "updated_at" FROM "_staged_accounts"
ON CONFLICT ("account_id") DO UPDATE SET
  "email" = excluded."email",
  "plan" = excluded."plan",
  "country" = excluded."country",
  "state" = excluded."state",
  "seats" = excluded."seats",
  "balance" = excluded."balance",
  "closed_at" = excluded."closed_at",
  "updated_at" = excluded."updated_at"
WHERE (t."email", t."plan", t."country", t."state", t."seats", t."balance", t."closed_at", t."updated_at") IS DISTINCT FROM (excluded."email", excluded."plan", excluded."country", excluded."state", excluded."seats", excluded."balance", excluded."closed_at", excluded."updated_at");
