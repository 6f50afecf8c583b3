"""The sample's topic is what its contract says."""

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.sample.events import PARTITIONS
from dataeng_assets.settings import ROOT


def test_sample_topic_is_made_as_its_contract_says() -> None:
    terms = load_contract(ROOT / "dataeng_assets/defs/events/contracts/user_events.yaml").topic
    assert terms is not None
    assert (terms.partitions, dict(terms.configs)) == (PARTITIONS, {"retention.ms": "-1"})
