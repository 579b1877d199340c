"""How long a browser needs for the HTML report of very many findings: ``python benchmarks/html_report.py [N ...]``.

Prints for each number of findings the size of the page, the seconds to write it, those from its address to a page that
answers (its own mark, when findings are in place and the filter works; the whole chain of loading included), to filter
by severity, and to find a text in all findings; last how often the first row goes into each.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from akscan.config import Config, Loaded, select_rules
from akscan.engine import Evaluation
from akscan.plugins import load_frameworks, load_rules
from akscan.results import Report
from akscan.testing import cluster, inventory, on, workload
from akscan_reports.html import write
from browser import CHROMIUM, WHY_NOT, Browser

_FILTERED = """(async () => {
  const begun = performance.now();
  %s;
  await filter();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - begun;
})()"""
_BY_SEVERITY = "document.querySelector('[name=severity]').checked = true"
_BY_TEXT = "form.reset(); document.querySelector('[name=text]').value = 'app-17'"
_CLUSTERS = 20
_COLUMNS = ("written", "ready", "severity", "text")


def main(sizes: Sequence[int]) -> None:
    """Measure each size and print the table."""
    if CHROMIUM is None:
        print(f"HTML report: not measured, {WHY_NOT}")
        return
    print(f"{'findings':>10}{'MB':>8}" + "".join(f"{column:>12}" for column in _COLUMNS) + f"{'ratio':>34}")
    first: dict[str, float] = {}
    for size in sizes:
        found = measure(report_of(size))
        first = first or found
        ratios = " ".join(f"{found[name] / first[name]:.1f}" for name in ("MB", *_COLUMNS))
        seconds = "".join(f"{found[column]:>10.2f} s" for column in _COLUMNS)
        print(f"{found['findings']:>10.0f}{found['MB']:>8.2f}{seconds}{ratios:>34}")


def report_of(findings: int) -> Report:
    """A report of about so many findings of the built-in rules on workloads of several clusters."""
    rules = select_rules(load_rules(), Loaded(Config(), None, {}), [], [])
    names = [f"aks-{number}" for number in range(_CLUSTERS)]
    of_each = findings // _CLUSTERS // findings_each(rules)
    world = inventory(
        [cluster(name) for name in names],
        [on(name, *(workload(name=f"app-{number}") for number in range(of_each))) for name in names],
    )
    return Evaluation(rules, world, load_frameworks()).finish(world.manifest)


def findings_each(rules: Sequence) -> int:
    """How many findings the rules make of one such workload."""
    world = inventory(cluster(), workload(name="app-0"))
    found = Evaluation(rules, world).finish(world.manifest).findings
    return sum(finding.subject.name == "app-0" for finding in found)


def measure(report: Report) -> dict[str, float]:
    """The page of a report, written and opened."""
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        page = Path(folder) / "report.html"
        started = time.perf_counter()
        with page.open("wb") as out:
            write(report, out)
        written = time.perf_counter() - started
        ready = browser.open(page.as_uri())
        return {
            "findings": len(report.findings),
            "MB": page.stat().st_size / 1e6,
            "written": written,
            "ready": ready,
            "severity": browser.evaluate(_FILTERED % _BY_SEVERITY) / 1000,
            "text": browser.evaluate(_FILTERED % _BY_TEXT) / 1000,
        }


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000])
