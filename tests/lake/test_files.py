"""Small files beside the tables."""

from dataeng_assets.lake.files import Files
from dataeng_assets.lake.location import Lake


def test_a_file_is_written_whole_replaced_listed_and_removed(lake: Lake) -> None:
    files = Files(lake, ("_leases", "events", "s"))
    assert (files.names(), files.read("a.json")) == ([], None)
    files.write("b.json", b"1")
    files.write("a.json", b"a longer text")
    files.write("a.json", b"short")
    assert (files.names(), files.read("a.json")) == (["a.json", "b.json"], b"short")
    files.remove("a.json")
    files.remove("a.json")
    assert files.names() == ["b.json"]


def test_files_are_no_tables(lake: Lake) -> None:
    Files(lake, ("_leases", "events", "s")).write("a.json", b"{}")
    assert lake.tables() == []
