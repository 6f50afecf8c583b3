#!/usr/bin/env bash
# Written by `dataeng generate --type spark-streaming --source kafka --destination postgres`.
# Change the contracts or the options and run it again.
# Holds: No secret stands in a file; each is read from the environment or a secret store.
# Makes the topics that are not there yet; one that is there is left as it is. Run it as often as you like:
#     DATAENG_KAFKA_BOOTSTRAP=broker:9093 ./create_topics.sh
# Against one local broker without TLS: PIPELINE_ENV=local ./create_topics.sh
set -euo pipefail
cd "$(dirname "$0")"
: "${DATAENG_KAFKA_BOOTSTRAP:?names the brokers, such as broker-1:9093,broker-2:9093}"
# kafka-topics.sh where Kafka was unpacked, kafka-topics where a package manager installed it
tool=$(command -v kafka-topics.sh || command -v kafka-topics) || { echo "kafka-topics.sh is not on the PATH." >&2; exit 1; }

create() { # NAME PARTITIONS REPLICAS [CONFIG=VALUE ...]
  local name=$1 partitions=$2 replicas=$3 connection=(--command-config client.properties) configs=() config
  shift 3
  for config in "$@"; do
    # one local broker has no second replica that could be in sync
    [[ "${PIPELINE_ENV:-}" == local && $config == min.insync.replicas=* ]] || configs+=(--config "$config")
  done
  if [[ "${PIPELINE_ENV:-}" == local ]]; then
    connection=() replicas=1
  fi
  "$tool" --bootstrap-server "$DATAENG_KAFKA_BOOTSTRAP" "${connection[@]}" --create --if-not-exists \
    --topic "$name" --partitions "$partitions" --replication-factor "$replicas" "${configs[@]}"
}

create clicks 6 3 min.insync.replicas=2 retention.ms=604800000
