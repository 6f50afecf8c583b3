SELECT extracted_at FROM example._extraction_progress WHERE table_name = 'accounts';
