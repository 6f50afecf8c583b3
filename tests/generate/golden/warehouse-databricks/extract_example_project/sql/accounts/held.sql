SELECT count(*) FROM `example`.`accounts`;
