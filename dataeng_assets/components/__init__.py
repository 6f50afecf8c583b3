"""How a declaration becomes assets. `dg list components` shows what stands here."""

from dataeng_assets.components.interval_join import IntervalJoinComponent
from dataeng_assets.components.kafka_topic import KafkaTopicComponent
from dataeng_assets.components.postgres_tables import PostgresTablesComponent

__all__ = ["IntervalJoinComponent", "KafkaTopicComponent", "PostgresTablesComponent"]
