"""What a contract says of its topic, as it is read."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.document import Document, read_document
from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.contracts.topic import TopicTerms, read_topic, written_topic


def document(folder: Path, topic: Any, kind: str = "topic") -> Document:
    path = folder / "clicks.yaml"
    table = {"name": "clicks", "physicalType": kind, "customProperties": [{"property": "topic", "value": topic}]}
    header = {"apiVersion": "v3.2.0", "kind": "DataContract", "id": "clicks", "version": "1", "status": "active"}
    path.write_text(yaml.safe_dump({**header, "schema": [table]}))
    return read_document(path)


def read(folder: Path, topic: Any, kind: str = "topic") -> TopicTerms | None:
    read = document(folder, topic, kind)
    return read_topic(read, (read.odcs.schema_ or [])[0])


def test_our_words_become_the_settings_of_kafka(tmp_path: Path) -> None:
    terms = read(
        tmp_path,
        {
            "partitions": 12, "replicationFactor": 3, "retention": "P7D", "retentionBytes": "unlimited",
            "cleanupPolicy": ["delete", "compact"], "minInSyncReplicas": 2, "compression": "zstd",
            "configs": {"segment.ms": 3600000, "preallocate": True}, "readers": ["dataeng"],
        },
    )  # fmt: skip
    assert terms == TopicTerms(
        12,
        3,
        {
            "segment.ms": "3600000", "preallocate": "true", "retention.ms": "604800000", "retention.bytes": "-1",
            "cleanup.policy": "compact,delete", "min.insync.replicas": "2", "compression.type": "zstd",
        },
        ("dataeng",),
    )  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        7,
        {"partition": 3},
        {"partitions": 0},
        {"partitions": True},
        {"partitions": "3"},
        {"retention": "7 days"},
        {"retention": "PT0S"},
        {"retentionBytes": -1},
        {"cleanupPolicy": "forget"},
        {"cleanupPolicy": []},
        {"compression": "zip"},
        {"configs": {"retention.ms": 5}},
        {"configs": {"segment.ms": [5]}},
        {"readers": "dataeng"},
        {"readers": ["*"]},
    ],
)
def test_what_no_topic_can_be_is_refused_at_its_line(tmp_path: Path, broken: Any) -> None:
    with pytest.raises(ContractError, match=r"clicks\.yaml:\d+"):
        read(tmp_path, broken)


def test_a_table_has_no_topic(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="physicalType"):
        read(tmp_path, {"partitions": 1}, kind="table")


CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "retention.ms": st.integers(1, 10**13).map(str) | st.just("-1"),
        "retention.bytes": st.integers(1, 10**13).map(str) | st.just("-1"),
        "cleanup.policy": st.sampled_from(["compact", "delete", "compact,delete"]),
        "min.insync.replicas": st.integers(1, 5).map(str),
        "compression.type": st.sampled_from(["zstd", "producer"]),
        "max.message.bytes": st.integers(1, 10**9).map(str),
        "segment.ms": st.integers(1, 10**9).map(str),
    },
)
COUNTS, USERS = st.none() | st.integers(1, 100), st.lists(st.sampled_from(["a", "User:b"])).map(tuple)


@given(terms=st.builds(TopicTerms, COUNTS, COUNTS, CONFIGS, USERS, USERS))
@settings(max_examples=50)
def test_what_is_written_reads_as_the_same(terms: TopicTerms, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert read(tmp_path_factory.getbasetemp(), written_topic(terms)) == terms
