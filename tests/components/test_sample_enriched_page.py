"""What the page on joins declares is what the sample's topic and tables can be declared with."""

import re

import yaml

from dataeng_assets.components.kafka_topic import KafkaTopicComponent, find_topic
from dataeng_assets.settings import ROOT


def test_the_tables_that_the_page_on_joins_declares_fit_the_sample() -> None:
    page = (ROOT / "docs" / "explanation" / "joins.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    [declared] = [block for block in blocks if "deduplicated" in block]
    component, contract = find_topic("user_events")
    more = KafkaTopicComponent.model_validate({**component.model_dump(), **declared})
    once, enriched = more.stream(contract).tables()
    assert (once.name, enriched.name) == ("deduplicated", "with_customer")
    added = enriched.schema(more.stream(contract)).names[-3:]
    assert added == ["customer_tier", "customer_country", "customers_valid_from"]
