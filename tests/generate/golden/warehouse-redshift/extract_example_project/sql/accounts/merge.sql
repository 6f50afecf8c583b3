MERGE INTO "example"."accounts"
USING "_staged_accounts" AS s
ON "example"."accounts"."account_id" = s."account_id"
WHEN MATCHED THEN UPDATE SET "email" = s."email", "plan" = s."plan", "country" = s."country", "state" = s."state", "seats" = s."seats", "balance" = s."balance", "closed_at" = s."closed_at", "updated_at" = s."updated_at"
WHEN NOT MATCHED THEN INSERT ("account_id", "email", "plan", "country", "state", "seats", "balance", "closed_at", "updated_at")
  VALUES (s."account_id", s."email", s."plan", s."country", s."state", s."seats", s."balance", s."closed_at", s."updated_at");
