"""Lists of findings, and those of them that a page of many keeps compressed until they are looked at."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from akscan.sdk import Failure, Report
from markupsafe import Markup

from akscan_reports.html.page import Page

#: A page of at most so many findings holds them all as text. Of others it shows so many of each list.
_ALL_IN_PAGE, _FIRST_OF_LIST = 1_000, 10
#: How many findings are compressed together: large enough to shrink well, small enough to be had in no time.
_BLOCK = 200
#: Lists this short show their evidence at once.
_OPEN = 3

Draw = Callable[[Failure, Page, bool, bool], str]


@dataclass(frozen=True)
class Listing:
    """Findings as they stand below one another. ``packed`` are the positions of ``rest`` among all that stand
    compressed; None where they stand in the page. ``told`` says that their commands stand elsewhere.
    """

    first: Sequence[Failure]
    rest: Sequence[Failure]
    told: bool
    waived: bool
    packed: range | None

    @property
    def open(self) -> bool:
        return not self.rest and len(self.first) <= _OPEN


class Store:
    """The findings of one page. Lists are asked for while the page is written; at its end comes the data."""

    def __init__(self, report: Report, page: Page, draw: Draw) -> None:
        self._page = page
        self._draw = draw
        self._packs = len(report.findings) + len(report.waived) > _ALL_IN_PAGE
        self._packed: list[tuple[Failure, bool]] = []

    def listed(self, findings: Sequence[Failure], told: bool, *, waived: bool = False) -> Listing:
        """A list of findings, the first of them and the rest."""
        first, rest = findings[:_FIRST_OF_LIST], findings[_FIRST_OF_LIST:]
        packed = None
        if self._packs and rest:
            packed = range(len(self._packed), len(self._packed) + len(rest))
            self._packed += [(finding, told) for finding in rest]
        return Listing(first, rest, told, waived, packed)

    def data(self) -> Markup:
        """What the script works on, as JSON that no end tag can hide in: facts of rules by which findings are filtered,
        and of what stands compressed the facets of all and the elements by blocks, each deflated and in base64.
        """
        data = {
            "rules": {
                rule.id: [rule.module, f"{rule.id} {rule.title}".lower(), self._page.controls(rule)]
                for rule in self._page.rules
            },
            "clusters": self._page.cluster_keys,
            "block": _BLOCK,
            "facets": _deflated([self._page.facets(finding) for finding, _ in self._packed]) if self._packed else "",
            "blocks": list(self._blocks()),
        }
        return Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))  # noqa: S704

    def _blocks(self) -> Iterator[str]:
        for start in range(0, len(self._packed), _BLOCK):
            block = self._packed[start : start + _BLOCK]
            yield _deflated([self._draw(finding, self._page, told, False) for finding, told in block])


def _deflated(texts: Sequence[str]) -> str:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = compressor.compress(json.dumps(texts, ensure_ascii=False).encode()) + compressor.flush()
    return base64.b64encode(packed).decode()
