-- error: unique email country
SELECT count(*) FROM (
  SELECT `email`, `country` FROM `example`.`accounts` AS t
  WHERE `email` IS NOT NULL AND `country` IS NOT NULL
  GROUP BY `email`, `country` HAVING count(*) > 1
) AS doubled;
