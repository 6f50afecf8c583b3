UPDATE "example"."_extraction_progress"
SET extracted_at = :extracted_at, position = :position, row_count = :row_count
WHERE table_name = 'accounts';
