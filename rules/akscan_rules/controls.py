"""The frameworks whose controls the rules name, a dated file each."""

from collections.abc import Iterator
from importlib import resources

from akscan.sdk import Framework


def frameworks() -> Iterator[Framework]:
    """Every framework of the pack, read when it is asked for."""
    folder = resources.files("akscan_rules").joinpath("data", "frameworks")
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        yield Framework.read(file.read_text(encoding="utf-8"), file.name)
