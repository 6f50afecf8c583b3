-- Written by `dataeng generate --type flink-sql --source kafka --destination kafka`.
-- Change the contracts or the options and run it again.
-- Holds: Each event reaches the destination exactly once.
-- Holds: No value changes its type or is rounded without an error.
-- Holds: Running the same window or batch again changes nothing.
-- Holds: Memory follows the size of a batch and not of the table.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Does not hold: An event that cannot be read or comes too late is kept apart, with the reason. What cannot be
--   read is a dead letter, and a late event is among the valid ones; but Flink leaves it out of its window and
--   only counts it (numLateRecordsDropped). One whose time is further ahead of its record's than the contract
--   allows is in no window either, so that it makes no other late.
-- Does not hold: What was written is compared with what was read, before it is committed. Flink commits what its
--   tasks report and compares nothing afterwards.
-- Flink 2.2 with flink-sql-connector-kafka 4.0.1-2.0: sql-client.sh -f stream_example.sql
-- Checkpoints, state and restarts stand in config.yaml. ${env:...} is resolved by Kafka's client in each process.
SET 'pipeline.name' = 'stream_example';
SET 'execution.runtime-mode' = 'streaming';
SET 'table.local-time-zone' = 'UTC';
-- a partition without records holds no watermark back
SET 'table.exec.source.idle-timeout' = '1 min';
-- state that nothing touches for a day is let go; windows end with their watermark, long before
SET 'table.exec.state.ttl' = '1 d';

-- Each record as it came. A field is read out of the text, so that one that does not fit loses nothing.
CREATE TEMPORARY TABLE `clicks` (
    record_key BYTES,
    record_value BYTES,
    kafka_partition INT METADATA FROM 'partition' VIRTUAL,
    kafka_offset BIGINT METADATA FROM 'offset' VIRTUAL,
    kafka_timestamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    text AS DECODE(record_value, 'UTF-8'),
    -- a record without a time moves no watermark, nor does one with a time too far ahead of the record's own
    event_time AS CASE
        WHEN CAST(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(DECODE(record_value, 'UTF-8'), '$[''clicked_at'']'), 'T', ' '), 'Z', '') AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3)) <= kafka_timestamp + INTERVAL '300' SECOND(3)
        THEN CAST(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(DECODE(record_value, 'UTF-8'), '$[''clicked_at'']'), 'T', ' '), 'Z', '') AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3))
        ELSE TO_TIMESTAMP_LTZ(0, 3)
    END,
    WATERMARK FOR event_time AS event_time - INTERVAL '600' SECOND(3)
) WITH (
    'connector' = 'kafka',
    'properties.bootstrap.servers' = '${env:DATAENG_KAFKA_BOOTSTRAP}',
    'properties.security.protocol' = 'SASL_SSL',
    'properties.sasl.mechanism' = 'SCRAM-SHA-512',
    'properties.sasl.jaas.config' = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="${env:KAFKA_USERNAME}" password="${env:KAFKA_PASSWORD}";',
    'properties.ssl.truststore.type' = 'PEM',
    'properties.ssl.truststore.location' = '${env:KAFKA_CA_FILE}',
    'properties.config.providers' = 'env',
    'properties.config.providers.env.class' = 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
    'properties.config.providers.env.param.allowlist.pattern' = '(KAFKA_.*|DATAENG_KAFKA_BOOTSTRAP)',
    'topic' = 'clicks',
    'properties.group.id' = 'stream_example',
    'properties.isolation.level' = 'read_committed',
    'scan.startup.mode' = 'earliest-offset',
    -- new partitions are found by themselves
    'scan.topic-partition-discovery.interval' = '1 min',
    'key.format' = 'raw',
    'key.fields' = 'record_key',
    'value.format' = 'raw',
    'value.fields-include' = 'EXCEPT_KEY'
);

CREATE TEMPORARY VIEW judged AS
SELECT
    *,
    CASE
        WHEN text IS NOT JSON OBJECT OR ENCODE(text, 'UTF-8') <> record_value THEN 'json: no JSON object in UTF-8'
        WHEN (JSON_QUERY(text, '$[''click_id'']' WITH WRAPPER) IS NULL OR JSON_QUERY(text, '$[''click_id'']' WITH WRAPPER) = '[null]') THEN 'missing: click_id'
        WHEN NOT (JSON_QUERY(text, '$[''click_id'']' WITH WRAPPER) IS NULL OR JSON_QUERY(text, '$[''click_id'']' WITH WRAPPER) = '[null]') AND NOT (REGEXP(JSON_QUERY(text, '$[''click_id'']' WITH WRAPPER), '^\["[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"\]$')) THEN 'type: click_id is no uuid'
        WHEN NOT (JSON_QUERY(text, '$[''user_id'']' WITH WRAPPER) IS NULL OR JSON_QUERY(text, '$[''user_id'']' WITH WRAPPER) = '[null]') AND NOT (REGEXP(JSON_QUERY(text, '$[''user_id'']' WITH WRAPPER), '^\[-?\d{1,19}\]$') AND TRY_CAST(JSON_VALUE(text, '$[''user_id'']') AS BIGINT) IS NOT NULL) THEN 'type: user_id is no bigint'
        WHEN (JSON_QUERY(text, '$[''event_type'']' WITH WRAPPER) IS NULL OR JSON_QUERY(text, '$[''event_type'']' WITH WRAPPER) = '[null]') THEN 'missing: event_type'
        WHEN NOT (JSON_QUERY(text, '$[''event_type'']' WITH WRAPPER) IS NULL OR JSON_QUERY(text, '$[''event_type'']' WITH WRAPPER) = '[null]') AND NOT (REGEXP(JSON_QUERY(text, '$[''event_type'']' WITH WRAPPER), '^\[".*"\]$')) THEN 'type: event_type is no string'
        WHEN (JSON_QUERY(text, '$[''clicked_at'']' WITH WRAPPER) IS NULL OR JSON_QUERY(text, '$[''clicked_at'']' WITH WRAPPER) = '[null]') THEN 'missing: clicked_at'
        WHEN NOT (JSON_QUERY(text, '$[''clicked_at'']' WITH WRAPPER) IS NULL OR JSON_QUERY(text, '$[''clicked_at'']' WITH WRAPPER) = '[null]') AND NOT (REGEXP(JSON_QUERY(text, '$[''clicked_at'']' WITH WRAPPER), '^\["\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?Z"\]$') AND CAST(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(text, '$[''clicked_at'']'), 'T', ' '), 'Z', '') AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3)) IS NOT NULL) THEN 'type: clicked_at is no timestamp'
    END AS reason
FROM `clicks`;

-- Events that keep the contract, byte for byte.
CREATE TEMPORARY TABLE `clicks_valid` (
    record_key BYTES,
    record_value BYTES,
    kafka_timestamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'
) WITH (
    'connector' = 'kafka',
    'properties.bootstrap.servers' = '${env:DATAENG_KAFKA_BOOTSTRAP}',
    'properties.security.protocol' = 'SASL_SSL',
    'properties.sasl.mechanism' = 'SCRAM-SHA-512',
    'properties.sasl.jaas.config' = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="${env:KAFKA_USERNAME}" password="${env:KAFKA_PASSWORD}";',
    'properties.ssl.truststore.type' = 'PEM',
    'properties.ssl.truststore.location' = '${env:KAFKA_CA_FILE}',
    'properties.config.providers' = 'env',
    'properties.config.providers.env.class' = 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
    'properties.config.providers.env.param.allowlist.pattern' = '(KAFKA_.*|DATAENG_KAFKA_BOOTSTRAP)',
    'topic' = 'clicks_valid',
    'key.format' = 'raw',
    'key.fields' = 'record_key',
    'value.format' = 'raw',
    'value.fields-include' = 'EXCEPT_KEY',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'stream_example-valid',
    'sink.transaction-naming-strategy' = 'POOLING',
    -- longer than the longest time between two checkpoints and a restart; brokers allow 15 minutes
    'properties.transaction.timeout.ms' = '900000'
);

-- The others, with the reason; key and value are in base64.
CREATE TEMPORARY TABLE `clicks_dead_letters` (
    kafka_partition INT,
    kafka_offset BIGINT,
    kafka_timestamp TIMESTAMP_LTZ(3),
    reason STRING,
    record_key BYTES,
    record_value BYTES
) WITH (
    'connector' = 'kafka',
    'properties.bootstrap.servers' = '${env:DATAENG_KAFKA_BOOTSTRAP}',
    'properties.security.protocol' = 'SASL_SSL',
    'properties.sasl.mechanism' = 'SCRAM-SHA-512',
    'properties.sasl.jaas.config' = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="${env:KAFKA_USERNAME}" password="${env:KAFKA_PASSWORD}";',
    'properties.ssl.truststore.type' = 'PEM',
    'properties.ssl.truststore.location' = '${env:KAFKA_CA_FILE}',
    'properties.config.providers' = 'env',
    'properties.config.providers.env.class' = 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
    'properties.config.providers.env.param.allowlist.pattern' = '(KAFKA_.*|DATAENG_KAFKA_BOOTSTRAP)',
    'topic' = 'clicks_dead_letters',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'stream_example-dead-letters',
    'sink.transaction-naming-strategy' = 'POOLING',
    -- longer than the longest time between two checkpoints and a restart; brokers allow 15 minutes
    'properties.transaction.timeout.ms' = '900000'
);

-- Events by window, each once by its key. A window is sent once, when the watermark has passed its end.
CREATE TEMPORARY TABLE `clicks_windows` (
    window_start TIMESTAMP(3),
    window_end TIMESTAMP(3),
    records BIGINT
) WITH (
    'connector' = 'kafka',
    'properties.bootstrap.servers' = '${env:DATAENG_KAFKA_BOOTSTRAP}',
    'properties.security.protocol' = 'SASL_SSL',
    'properties.sasl.mechanism' = 'SCRAM-SHA-512',
    'properties.sasl.jaas.config' = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="${env:KAFKA_USERNAME}" password="${env:KAFKA_PASSWORD}";',
    'properties.ssl.truststore.type' = 'PEM',
    'properties.ssl.truststore.location' = '${env:KAFKA_CA_FILE}',
    'properties.config.providers' = 'env',
    'properties.config.providers.env.class' = 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
    'properties.config.providers.env.param.allowlist.pattern' = '(KAFKA_.*|DATAENG_KAFKA_BOOTSTRAP)',
    'topic' = 'clicks_windows',
    'format' = 'json',
    'json.timestamp-format.standard' = 'ISO-8601',
    'sink.delivery-guarantee' = 'exactly-once',
    'sink.transactional-id-prefix' = 'stream_example-windows',
    'sink.transaction-naming-strategy' = 'POOLING',
    -- longer than the longest time between two checkpoints and a restart; brokers allow 15 minutes
    'properties.transaction.timeout.ms' = '900000'
);

CREATE TEMPORARY VIEW events AS
SELECT
    event_time,
    JSON_VALUE(text, '$[''click_id'']') AS `click_id`
FROM judged
-- not where the time was too far ahead
WHERE reason IS NULL AND event_time = CAST(TRY_CAST(REPLACE(REPLACE(JSON_VALUE(text, '$[''clicked_at'']'), 'T', ' '), 'Z', '') AS TIMESTAMP(3)) AS TIMESTAMP_LTZ(3));

EXECUTE STATEMENT SET
BEGIN
INSERT INTO `clicks_valid`
SELECT record_key, record_value, kafka_timestamp
FROM judged
WHERE reason IS NULL;

INSERT INTO `clicks_dead_letters`
SELECT kafka_partition, kafka_offset, kafka_timestamp, reason, record_key, record_value
FROM judged
WHERE reason IS NOT NULL;

INSERT INTO `clicks_windows`
SELECT window_start, window_end, COUNT(DISTINCT `click_id`)
FROM TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '300' SECOND(3))
GROUP BY window_start, window_end;
END;
