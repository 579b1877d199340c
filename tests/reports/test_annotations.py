"""Log commands, as the agents of GitHub and Azure Pipelines read them."""

import io
import re

import pytest
from akscan.sdk import Report
from akscan_reports import annotations

TRICKS = ("100% %0A::error::x", "a: b, c", "x;y]z", "a\r\nb", "%AZP25")


def written(reporter, report: Report) -> list[str]:
    out = io.BytesIO()
    reporter(report, out)
    return out.getvalue().decode().splitlines()


def github(lines: list[str]) -> list[tuple[str, str, str]]:
    """As https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs undoes the escapes."""
    found = [re.fullmatch(r"::(\w+) title=([^,:]*)::(.*)", line) for line in lines]
    return [(one[1], _github(one[2].replace("%3A", ":").replace("%2C", ",")), _github(one[3])) for one in found if one]


def _github(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def azdo(lines: list[str]) -> list[tuple[str, str, str]]:
    found = [re.fullmatch(r"##vso\[task\.logissue type=(\w+);code=([^;\]]*)\](.*)", line) for line in lines]
    return [(one[1], one[2], _azdo(one[3])) for one in found if one]


def _azdo(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%AZP25", "%")


def test_ten_of_a_level_are_annotated_the_worst_first_and_the_others_counted(fleet):
    lines = written(annotations.write_github, fleet)
    assert [level for level, _, _ in github(lines)] == ["error"] * 2 + ["warning"] * 10
    said = "29 findings (2 high, 27 medium); 86.4 % assessed"
    unknown = "3 rule × subject pairs not assessed, 2 pairs on which a rule failed by its own fault"
    assert lines[12:] == [
        f"akscan: {said}. {unknown}",
        "akscan: 17 more warnings without an annotation, since at most 10 of a level are shown",
    ]
    same = written(annotations.write_azdo, fleet)
    assert [level for level, _, _ in azdo(same)] == ["error"] * 2 + ["warning"] * 10
    assert same[12:] == lines[12:]


def test_what_is_new_comes_first_and_says_so(compared):
    titles = [title for level, title, _ in github(written(annotations.write_github, compared)) if level == "warning"]
    assert [title.startswith("new: ") for title in titles] == [True, True, *[False] * 5]


def test_an_annotation_says_what_where_and_how_to_fix_it(fleet):
    _, title, message = github(written(annotations.write_github, fleet))[0]
    assert title == "high API-901 The API server has no public address"
    assert message.splitlines() == [
        "cluster rg-other/aks-shop: the API server answers on the internet",
        "Fix (disturbs: recreate cluster): create the cluster anew as a private one and move the workloads.",
        "az aks create --resource-group rg-other --name aks-shop --enable-private-cluster {subnet}",
    ]
    assert azdo(written(annotations.write_azdo, fleet))[0] == ("error", "API-901", f"{title}: {message}")


@pytest.mark.parametrize("trick", TRICKS)
def test_names_come_through_as_they_are(make_report, deployments, trick):
    report = make_report(deployments(trick))
    shown = f"deployment shop/{' '.join(trick.split())} in aks: container app requests no memory"
    for read, write in ((github, annotations.write_github), (azdo, annotations.write_azdo)):
        (entry,) = read(written(write, report))
        assert shown in entry[2]


def test_a_clean_report_annotates_nothing(make_report, deployments):
    lines = written(annotations.write_github, make_report(deployments("sound", containers=("good",))))
    assert lines == ["akscan: 0 findings; 100.0 % assessed"]
