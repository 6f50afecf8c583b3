PUT :file @example.%_staged_accounts AUTO_COMPRESS = FALSE OVERWRITE = TRUE;
