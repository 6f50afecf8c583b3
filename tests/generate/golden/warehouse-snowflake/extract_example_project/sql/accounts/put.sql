PUT :file @example._files_accounts AUTO_COMPRESS = FALSE OVERWRITE = TRUE;
