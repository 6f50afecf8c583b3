"""Which files of an open day are merged, and towards which size."""

import pytest

from dataeng_assets.streams.merge import ENOUGH, _target

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("sizes", "target"),
    [
        ([], 0),
        ([6_000] * (ENOUGH - 1), 0),
        ([6_000] * ENOUGH, MB),
        ([6_000] * 300 + [MB] * (ENOUGH - 1), MB),
        ([6_000] * 300 + [MB] * ENOUGH, 8 * MB),
        ([5 * MB] * ENOUGH, 64 * MB),
        ([40 * MB] * 300, 0),
    ],
)
def test_files_are_merged_towards_the_next_class_once_there_are_enough_of_theirs(sizes: list[int], target: int) -> None:
    assert _target(sizes) == target


def test_a_file_is_written_again_a_few_times_and_not_once_a_round() -> None:
    """A day of rounds, if files were merged in their order to just their target."""
    sizes, written, came = list[int](), 0, 0
    for _ in range(1440):
        sizes += [10_000] * 300
        came += 300 * 10_000
        while target := _target(sizes):
            small = [size for size in sizes if size < target]
            whole, rest = divmod(sum(small), target)
            sizes = [size for size in sizes if size >= target] + [target] * whole + [rest] * (rest > 0)
            written += sum(small)
    assert written < 4 * came
    assert len(sizes) < 3 * ENOUGH + came / (32 * MB)
