SELECT count(*) FROM `example`.`_staged_accounts`;
