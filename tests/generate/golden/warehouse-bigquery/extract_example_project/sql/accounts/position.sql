SELECT extracted_at, position FROM `example`.`_extraction_progress` WHERE table_name = 'accounts';
