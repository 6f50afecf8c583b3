"""A commit that others overtake is tried again from the beginning, and not for ever."""

from pathlib import Path

import pytest

from dataeng_assets.lake.append import ProgressGoesBack, Superseded
from dataeng_assets.lake.attempts import ATTEMPTS, until_committed


@pytest.mark.parametrize("overtaken", [Superseded, ProgressGoesBack])
def test_what_is_overtaken_begins_again_in_an_empty_folder_that_is_gone_afterwards(overtaken: type[Exception]) -> None:
    folders: list[Path] = []

    def attempt(folder: Path) -> str:
        assert not list(folder.iterdir())
        folder.joinpath("staged").touch()
        folders.append(folder)
        if len(folders) < ATTEMPTS:
            raise overtaken
        return "committed"

    assert until_committed(attempt) == "committed"
    assert (len(folders), any(folder.exists() for folder in folders)) == (ATTEMPTS, False)


def test_what_is_always_overtaken_ends_and_another_error_ends_at_once() -> None:
    calls: list[type[Exception]] = []

    def failing(error: type[Exception]) -> None:
        def attempt(_: Path) -> None:
            calls.append(error)
            raise error

        with pytest.raises(error):
            until_committed(attempt)

    failing(Superseded)
    failing(ValueError)
    assert calls == [Superseded] * ATTEMPTS + [ValueError]
