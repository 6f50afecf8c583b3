-- Written by `dataeng generate --type ksqldb --source kafka --destination kafka`.
-- Change the contracts or the options and run it again.
-- Holds: Each event reaches the destination exactly once.
-- Holds: No value changes its type or is rounded without an error.
-- Holds: Memory follows the size of a batch and not of the table.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Does not hold: An event that cannot be read or comes too late is kept apart, with the reason. What breaks the
--   contract is a dead letter, and a late event is among the valid ones; but ksqlDB leaves it out of its window,
--   drops a record without a value, and knows text only: bytes that are no UTF-8 are dead letters whose
--   partition and offset say where the bytes are. One event with a time far ahead makes those after it in its
--   partition late.
-- Does not hold: Running the same window or batch again changes nothing. Each record is handled once; but a
--   window counts records, and one that its producer sent twice counts twice, as ksqlDB's COUNT_DISTINCT only
--   estimates.
-- Does not hold: What was written is compared with what was read, before it is committed. ksqlDB compares
--   nothing afterwards.
-- ksqlDB 0.29 and later. Topics are made by create_topics.sh, before this.
-- What this promises is set in ksql-server.properties too; here it holds for a server that others share.
SET 'processing.guarantee' = 'exactly_once_v2';
SET 'auto.offset.reset' = 'earliest';

-- Each record as it came. A field is read out of the text, so that one that does not fit loses nothing.
CREATE STREAM `clicks` (
    record_key VARCHAR KEY,
    record_value VARCHAR
) WITH (
    KAFKA_TOPIC = 'clicks',
    KEY_FORMAT = 'KAFKA',
    VALUE_FORMAT = 'KAFKA'
);

-- A function that fails gives NULL for its column. So an event is valid only where that is said.
CREATE STREAM `clicks_judged` WITH (
    KAFKA_TOPIC = 'clicks_judged',
    KEY_FORMAT = 'KAFKA',
    VALUE_FORMAT = 'JSON'
) AS
SELECT
    record_key,
    record_value,
    ROWPARTITION AS _kafka_partition,
    ROWOFFSET AS _kafka_offset,
    ROWTIME AS _kafka_timestamp,
    UNIX_TIMESTAMP(PARSE_TIMESTAMP(CONCAT(REPLACE(SUBSTRING(JSON_RECORDS(record_value)['clicked_at'], 2, 19), 'T', ' '), '.', RPAD(COALESCE(REGEXP_EXTRACT('\.(\d{1,3})', JSON_RECORDS(record_value)['clicked_at'], 1), '0'), 3, '0')), 'yyyy-MM-dd HH:mm:ss.SSS', 'UTC')) AS _event_time,
    CASE
        -- the sign that stands for bytes which are no UTF-8
        WHEN INSTR(record_value, '�') > 0 THEN 'json: no UTF-8'
        WHEN NOT IS_JSON_STRING(record_value) THEN 'json: no JSON'
        WHEN JSON_RECORDS(record_value) IS NULL THEN 'json: no object'
        WHEN (JSON_RECORDS(record_value)['click_id'] IS NULL OR JSON_RECORDS(record_value)['click_id'] = 'null') THEN 'missing: click_id'
        WHEN NOT (JSON_RECORDS(record_value)['click_id'] IS NULL OR JSON_RECORDS(record_value)['click_id'] = 'null') AND NOT (REGEXP_EXTRACT('^"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"$', JSON_RECORDS(record_value)['click_id']) IS NOT NULL) THEN 'type: click_id is no uuid'
        WHEN NOT (JSON_RECORDS(record_value)['user_id'] IS NULL OR JSON_RECORDS(record_value)['user_id'] = 'null') AND NOT (REGEXP_EXTRACT('^-?\d{1,19}$', JSON_RECORDS(record_value)['user_id']) IS NOT NULL AND CAST(JSON_RECORDS(record_value)['user_id'] AS BIGINT) IS NOT NULL) THEN 'type: user_id is no bigint'
        WHEN (JSON_RECORDS(record_value)['event_type'] IS NULL OR JSON_RECORDS(record_value)['event_type'] = 'null') THEN 'missing: event_type'
        WHEN NOT (JSON_RECORDS(record_value)['event_type'] IS NULL OR JSON_RECORDS(record_value)['event_type'] = 'null') AND NOT (REGEXP_EXTRACT('^".*"$', JSON_RECORDS(record_value)['event_type']) IS NOT NULL) THEN 'type: event_type is no string'
        WHEN (JSON_RECORDS(record_value)['clicked_at'] IS NULL OR JSON_RECORDS(record_value)['clicked_at'] = 'null') THEN 'missing: clicked_at'
        WHEN NOT (JSON_RECORDS(record_value)['clicked_at'] IS NULL OR JSON_RECORDS(record_value)['clicked_at'] = 'null') AND NOT (REGEXP_EXTRACT('^"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?Z"$', JSON_RECORDS(record_value)['clicked_at']) IS NOT NULL AND FORMAT_TIMESTAMP(PARSE_TIMESTAMP(CONCAT(REPLACE(SUBSTRING(JSON_RECORDS(record_value)['clicked_at'], 2, 19), 'T', ' '), '.', RPAD(COALESCE(REGEXP_EXTRACT('\.(\d{1,3})', JSON_RECORDS(record_value)['clicked_at'], 1), '0'), 3, '0')), 'yyyy-MM-dd HH:mm:ss.SSS', 'UTC'), 'yyyy-MM-dd HH:mm:ss', 'UTC') = REPLACE(SUBSTRING(JSON_RECORDS(record_value)['clicked_at'], 2, 19), 'T', ' ')) THEN 'type: clicked_at is no timestamp'
        ELSE 'valid'
    END AS _verdict
FROM `clicks`
EMIT CHANGES;

-- Events that keep the contract, with their keys and times as they came.
CREATE STREAM `clicks_valid` WITH (
    KAFKA_TOPIC = 'clicks_valid',
    KEY_FORMAT = 'KAFKA',
    VALUE_FORMAT = 'KAFKA'
) AS
SELECT record_key, record_value
FROM `clicks_judged`
WHERE _verdict = 'valid'
EMIT CHANGES;

-- The others, with the reason.
CREATE STREAM `clicks_dead_letters` WITH (
    KAFKA_TOPIC = 'clicks_dead_letters',
    KEY_FORMAT = 'KAFKA',
    VALUE_FORMAT = 'JSON'
) AS
SELECT
    record_key,
    _kafka_partition AS `kafka_partition`,
    _kafka_offset AS `kafka_offset`,
    _kafka_timestamp AS `kafka_timestamp`,
    COALESCE(_verdict, 'a value out of range') AS `reason`,
    record_value AS `record_value`
FROM `clicks_judged`
WHERE _verdict IS NULL OR _verdict <> 'valid'
EMIT CHANGES;

-- The judged events once more, in the time in which they happened. One without a time is skipped, and is a dead letter.
CREATE STREAM `clicks_by_event_time` (
    _event_time BIGINT,
    _verdict VARCHAR
) WITH (
    KAFKA_TOPIC = 'clicks_judged',
    VALUE_FORMAT = 'JSON',
    TIMESTAMP = '_event_time'
);

-- Events by window. A window is sent once, when the time of its partition has passed its end and the grace
-- period. State is kept for 86400 seconds.
CREATE TABLE `clicks_windows` WITH (
    KAFKA_TOPIC = 'clicks_windows',
    KEY_FORMAT = 'JSON',
    VALUE_FORMAT = 'JSON'
) AS
SELECT
    _verdict AS key_1,
    FORMAT_TIMESTAMP(FROM_UNIXTIME(WINDOWSTART), 'yyyy-MM-dd''T''HH:mm:ssX', 'UTC') AS `window_start`,
    FORMAT_TIMESTAMP(FROM_UNIXTIME(WINDOWEND), 'yyyy-MM-dd''T''HH:mm:ssX', 'UTC') AS `window_end`,
    COUNT(*) AS `records`
FROM `clicks_by_event_time`
WINDOW TUMBLING (
    SIZE 300 SECONDS,
    RETENTION 86400 SECONDS,
    GRACE PERIOD 600 SECONDS
)
WHERE _verdict = 'valid'
GROUP BY _verdict
EMIT FINAL;
