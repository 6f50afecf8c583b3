UPDATE "example"."_extraction_progress" SET claims = claims + 1 WHERE table_name = 'accounts';
