"""Where reports go: stdout, files, both; formats come from entry points alone."""

import json

import pytest
from akscan.errors import AkscanError
from akscan.plugins import load_reporter, reporter_names
from akscan.reporters import reporter
from support import akscan

PLUGIN = """
from akscan.sdk import reporter


def bare(report, out):
    out.write(b"bare " + str(len(report.findings)).encode())


def presented(report, out, presentation):
    out.write(presentation.title.encode())


@reporter("own.dat")
def decorated(report, out):
    out.write(b"decorated")


@reporter("presented")
def same_file(report, out):
    out.write(b"another")


@reporter("log", to_stdout=True)
def both(report, out):
    out.write(b"both\\n")


@reporter(to_stdout=True)
def broken(report, out):
    raise AssertionError("broken")
"""
FORMATS = ("bare", "presented", "decorated", "same_file", "both", "broken")


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """A distribution that brings reporters along."""
    place = tmp_path / "site"
    meta = place / "reporters-1.dist-info"
    meta.mkdir(parents=True)
    (place / "reporters_of_the_test.py").write_text(PLUGIN)
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: reporters\nVersion: 1\n")
    entries = "".join(f"{name} = reporters_of_the_test:{name}\n" for name in FORMATS)
    (meta / "entry_points.txt").write_text(f"[akscan.reporters]\n{entries}")
    monkeypatch.syspath_prepend(place)


@pytest.fixture(scope="module")
def report(saved, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    assert akscan("scan", "--inventory", str(saved), "--rule", "API-001", "-f", "json", "-o", str(folder)).code == 0
    return folder / "akscan.json"


def test_reporters_of_others_come_through_the_same_door(plugins, report, tmp_path):
    formats = ("-f", "bare", "-f", "presented", "-f", "decorated", "-f", "both")
    folder = tmp_path / "out"
    outcome = akscan("report", str(report), *formats, "--title", "For you", "-o", str(folder))
    assert (outcome.code, outcome.out) == (0, "both\n")
    found = {path.name: path.read_text() for path in folder.iterdir()}
    number = len(json.loads(report.read_bytes())["findings"])
    assert found == {
        "akscan.bare": f"bare {number}",
        "akscan.presented": "For you",
        "akscan.own.dat": "decorated",
        "akscan.log": "both\n",
    }


def test_two_formats_never_write_one_file(plugins, report, tmp_path):
    outcome = akscan("report", str(report), "-f", "presented", "-f", "same_file", "-o", str(tmp_path / "out"))
    assert outcome.code == 2
    assert "formats presented and same_file both write akscan.presented" in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_reporter_that_fails_leaves_the_files_of_the_others(plugins, report, tmp_path):
    outcome = akscan("report", str(report), "-f", "decorated", "-f", "broken", "-o", str(tmp_path))
    assert outcome.code == 2
    assert (tmp_path / "akscan.own.dat").read_text() == "decorated"


def test_annotations_and_text_share_stdout_and_only_text_has_a_file(report, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    both = akscan("report", str(report), "-f", "text", "-f", "github")
    text, github = (akscan("report", str(report), "-f", name).out for name in ("text", "github"))
    assert both.out == text + github
    assert github.startswith("::error title=")
    assert not list(tmp_path.glob("akscan.*"))
    akscan("report", str(report), "-f", "text", "-f", "github", "-f", "azdo", "-o", str(tmp_path))
    assert {path.name for path in tmp_path.glob("akscan.*")} == {"akscan.txt"}


def test_files_end_in_what_their_readers_look_for(report, tmp_path):
    assert (
        akscan("report", str(report), *(f"--format={name}" for name in reporter_names()), "-o", str(tmp_path)).code == 0
    )
    extensions = ("csv", "html", "json", "junit.xml", "md", "ocsf.jsonl", "sarif", "txt", "xlsx")
    assert {path.name for path in tmp_path.glob("akscan.*")} == {f"akscan.{extension}" for extension in extensions}


def test_help_names_the_formats_that_are_installed(plugins):
    text = " ".join(akscan("scan", "--help").out.split())
    assert f"{', '.join(sorted([*reporter_names()]))}. Repeatable. [text]" in text
    assert "same_file" in text


def test_a_reporter_goes_somewhere():
    with pytest.raises(ValueError, match="extension of its file, or stdout"):
        reporter()


def test_an_unknown_format_is_told_with_those_there_are():
    with pytest.raises(AkscanError, match="there is no format 'pdf'") as raised:
        load_reporter("pdf")
    assert raised.value.hint == f"formats: {', '.join(reporter_names())}"
