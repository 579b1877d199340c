"""The report in a terminal."""

import io
import os
import pty
import re
import termios
import unicodedata
from pathlib import Path

import msgspec
import pytest
from akscan.sdk import Report
from akscan_reports import text

GOLDEN = Path(__file__).parent / "golden" / "fleet.txt"
COMMANDS = ("az ", "kubectl ")


def written(report: Report) -> str:
    out = io.BytesIO()
    text.write(report, out)
    return out.getvalue().decode()


def shown(report: Report) -> str:
    """On a terminal of 120 columns."""
    reader, writer = pty.openpty()
    os.set_blocking(reader, False)
    termios.tcsetwinsize(writer, (50, 120))
    parts = []
    with os.fdopen(reader, "rb", 0) as screen, os.fdopen(writer, "wb", 0) as terminal:

        class Terminal(io.RawIOBase):
            """Reads along, so that the terminal's buffer never fills."""

            def isatty(self):
                return terminal.isatty()

            def fileno(self):
                return terminal.fileno()

            def write(self, data):
                for start in range(0, len(data), 1024):
                    terminal.write(data[start : start + 1024])
                    while chunk := screen.read(4096):
                        parts.append(chunk)
                return len(data)

        text.write(report, Terminal())
    return b"".join(parts).decode()


def test_the_whole_report(fleet):
    assert written(fleet) == GOLDEN.read_text("utf-8")


def test_it_fits_80_columns_but_for_commands(fleet, hostile):
    for report in (fleet, hostile):
        for line in written(report).splitlines():
            assert len(line) <= 80 or line.strip().startswith(COMMANDS), line


def test_without_a_terminal_there_is_no_colour(fleet, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    assert "\x1b" not in written(fleet)


def test_a_terminal_gets_colours_and_100_columns(fleet, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = shown(fleet)
    assert re.search(r"\x1b\[[0-9;]*31[0-9;]*m HIGH ", screen)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", screen).splitlines()
    assert 80 < max(len(line) for line in bare if not line.strip().startswith(COMMANDS)) <= 100


def test_no_color_is_honoured(fleet, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", shown(fleet))


def test_names_cannot_speak_to_the_terminal(hostile):
    page = written(hostile)
    assert not {c for c in page if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}}
    assert "<script>alert(1)</script>" in page


@pytest.mark.parametrize("name", ["[bold red]x[/bold red]", ":smile:", "[link=https://evil.example]x[/link]"])
def test_markup_in_a_name_is_shown_as_it_is(make_report, deployments, name):
    page = written(make_report(deployments(name)))
    assert f"deployment shop/{name}" in page
    assert "container app requests no memory\n    name = app" in page


@pytest.mark.parametrize("command", ["::error::x", "##vso[task.complete result=Succeeded]", "##[error]x"])
def test_names_cannot_speak_to_a_pipeline(make_report, deployments, command):
    filler = "w" * 60
    page = written(make_report(deployments("app", containers=[f"{filler} {command}"])))
    assert re.search(r"^ +(: :|# #)", page, re.MULTILINE)
    for line in page.splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "##vso[" not in line


def test_a_long_name_is_cut(make_report, deployments):
    page = written(make_report(deployments("n" * 10_240)))
    assert len(page) < 6_000
    assert "n…" in page


def test_ten_subjects_are_shown_or_all_of_fewer(make_report, deployments):
    nine, eleven = (
        written(make_report(deployments(*(f"web-{number:02}" for number in range(count))))) for count in (9, 11)
    )
    assert nine.count("- deployment shop/web-") == 9
    assert "more" not in nine
    assert eleven.count("- deployment shop/web-") == 10
    assert "... and 1 more" in eleven


def test_commands_of_one_finding_are_filled_in(make_report, deployments):
    assert "    kubectl --namespace shop edit deployment 'a b'\n" in written(make_report(deployments("a b")))


def test_commands_of_several_findings_are_shown_once_with_placeholders(make_report, deployments):
    page = written(make_report(deployments("a", "b")))
    assert page.count("kubectl --namespace {namespace} edit {kind} {name}") == 1
    assert "kubectl --namespace shop" not in page


def test_commands_without_a_template_are_shown_for_each(make_report, deployments):
    report = make_report(deployments("a", "b"))
    bare = tuple(
        msgspec.structs.replace(finding, rule=msgspec.structs.replace(finding.rule, commands=""))
        for finding in report.findings
    )
    page = written(msgspec.structs.replace(report, findings=bare))
    assert "edit deployment a\n" in page
    assert "edit deployment b\n" in page


def test_an_interrupted_scan_says_so(fleet):
    run = msgspec.structs.replace(fleet.run, interrupted=True)
    assert "The scan was interrupted" in written(msgspec.structs.replace(fleet, run=run))
    assert "The scan was interrupted" not in written(fleet)


def test_a_report_of_nothing_is_a_page(fleet):
    page = written(Report(run=fleet.run))
    assert "Findings\nNone.\n" in page
    assert "0 findings; nothing to assess\n" in page
    assert "this report proves nothing" in page
    assert "100" not in page


def test_frameworks_are_summed_up(framed):
    lines = written(framed).splitlines()
    start = lines.index("Frameworks")
    summary = " ".join(" ".join(lines[start + 1 : lines.index("Permissions")]).split())
    assert summary == (
        "- Rules of the <b>house</b> 3 (as of 2025-11-01, a stale list): 2 failed, 2 not assessed, 1 manual, "
        "1 managed by AKS, 1 not covered yet failed: H-1, H-2"
    )
