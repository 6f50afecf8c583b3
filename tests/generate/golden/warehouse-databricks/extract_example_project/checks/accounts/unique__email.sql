-- error: unique email
SELECT count(*) FROM (
  SELECT `email` FROM `example`.`accounts` AS t
  WHERE `email` IS NOT NULL
  GROUP BY `email` HAVING count(*) > 1
) AS doubled;
