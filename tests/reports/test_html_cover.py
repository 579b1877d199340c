"""The cover, and a customer's own templates."""

import base64
import io
import re
from importlib import resources
from pathlib import Path

import pytest
from akscan.errors import AkscanError
from akscan.report_file import encode_report
from akscan.sdk import Presentation
from akscan_reports.html import write
from support import akscan

ROOT = Path(__file__).parents[2]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SVG = b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a logo -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'
HOSTILE = "<script>alert(1)</script>\u202e"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;⟨U+202E⟩"


def rendered(report, **presentation) -> str:
    out = io.BytesIO()
    write(report, out, Presentation(**presentation))
    return out.getvalue().decode()


def overriding(folder: Path, text: str) -> Path:
    (folder / "report.html.jinja").write_text(f'{{% extends "akscan/report.html.jinja" %}}\n{text}')
    return folder


def test_cover_tells_who_and_for_whom(fleet):
    page = rendered(fleet, title=f"Review {HOSTILE}", customer=HOSTILE, author=HOSTILE, classification=HOSTILE)
    cover = page[page.index('<header class="cover">') : page.index("</header>")]
    assert cover.count(ESCAPED) == 4
    assert f"<title>Review {ESCAPED} · {ESCAPED}, " in page
    assert HOSTILE not in page


def test_nothing_said_leaves_nothing_empty(fleet):
    page = rendered(fleet)
    cover = page[page.index('<header class="cover">') : page.index("</header>")]
    assert "Azure Kubernetes Service audit" in cover
    assert not re.search(r'class="(customer|classification|logo)"', cover)
    assert "@bottom-left" not in page


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PNG, "image/png"), (b"\xff\xd8\xff\xe0rest", "image/jpeg"), (SVG, "image/svg+xml"), (b"<svg>", "image/svg+xml")],
    ids=["png", "jpeg", "svg with a prologue", "bare svg"],
)
def test_logo_is_embedded_by_what_it_is(fleet, tmp_path, content, kind):
    logo = tmp_path / "logo.txt"
    logo.write_bytes(content)
    page = rendered(fleet, logo=logo, customer="Contoso")
    address = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    assert f'<img class="logo" src="{address}" alt="Contoso">' in page


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"GIF89a", "is neither PNG nor JPEG nor SVG"),
        (b"", "is neither PNG nor JPEG nor SVG"),
        (b"<html><svg></svg></html>", "is neither PNG nor JPEG nor SVG"),
        (PNG + bytes(1 << 20), "has 1,048,604 bytes"),
    ],
    ids=["gif", "empty", "html", "too large"],
)
def test_other_logos_are_refused(fleet, tmp_path, content, said):
    logo = tmp_path / "logo.png"
    logo.write_bytes(content)
    with pytest.raises(AkscanError, match=said) as refused:
        rendered(fleet, logo=logo)
    assert str(logo) in str(refused.value)


def test_classification_stands_on_every_printed_page_and_ends_no_style(fleet):
    page = rendered(fleet, classification='"} </style> \\')
    style = page[page.index("<style>") : page.index("</style>")]
    assert r'content: "\22 \7d \20 \3c \2f style\3e \20 \5c "' in style


def test_a_customers_template_overrides_blocks_and_keeps_the_rest(fleet, tmp_path):
    templates = overriding(
        tmp_path,
        "{% block method %}<p>Ours: {{ report.run.akscan }}, {{ cover.customer }}.</p>{% endblock %}\n"
        '{% block end %}{% include "imprint.jinja" %}{% endblock %}\n'
        '{% block verdict %}{{ super() }}<p id="added">Added.</p>{% endblock %}',
    )
    (tmp_path / "imprint.jinja").write_text("<p>Imprint {{ 6 * 7 }}</p>")
    page = rendered(fleet, templates=templates, customer="<b>Contoso</b>")
    assert "<p>Ours: 0.1.0, &lt;b&gt;Contoso&lt;/b&gt;.</p>" in page
    assert "<p>Imprint 42</p>" in page
    assert page.index('id="verdict"') < page.index('id="added"') < page.index('id="risk"')
    assert 'id="method"' not in page


def test_a_customers_style_comes_last_and_is_allowed(fleet, tmp_path):
    (tmp_path / "report.css").write_text(":root { --link: teal } /* </style><script> */")
    page = rendered(fleet, templates=tmp_path)
    style = page[page.index("<style>") : page.index("</style>")]
    assert style.endswith("/* <\\/style><script> */")
    assert page.count("<script>") == 2, "one is text of the style, the other is ours"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{% block method %}\n{{ nobody }}{% endblock %}",
            "report.html.jinja:3: UndefinedError: 'nobody' is undefined",
        ),
        ("{% block method %}\n\n{% endblok %}", "report.html.jinja:4: .*unknown tag 'endblok'"),
        ("{% block end %}{{ 1 / 0 }}{% endblock %}", "report.html.jinja:2: ZeroDivisionError"),
        ('{% block end %}{% include "gone.jinja" %}{% endblock %}', "report.html.jinja:2: there is no template gone"),
        ("{% block end %}{{ ''.__class__.__mro__ }}{% endblock %}", "report.html.jinja:2: SecurityError"),
        (
            "{% block end %}{{ cover.templates.parent }}{% endblock %}",
            "report.html.jinja:2: UndefinedError: 'None' has",
        ),
        ('{% block end %}{% include "part.jinja" %}{% endblock %}', "part.jinja:2: UndefinedError: .*has no attribute"),
    ],
    ids=["undefined", "syntax", "arithmetic", "missing include", "sandbox", "files", "in an include"],
)
def test_a_fault_in_a_template_is_told_with_its_place(fleet, tmp_path, text, said):
    (tmp_path / "part.jinja").write_text("\n{{ report.nothing.here }}")
    with pytest.raises(AkscanError, match=said) as fault:
        rendered(fleet, templates=overriding(tmp_path, text))
    assert str(fault.value).startswith(str(tmp_path))


def test_a_folder_without_templates_is_an_error(fleet, tmp_path):
    with pytest.raises(AkscanError, match=r"holds neither report\.html\.jinja nor report\.css"):
        rendered(fleet, templates=tmp_path)


def test_guide_names_every_block():
    source = resources.files("akscan_reports.html").joinpath("templates/report.html.jinja").read_text("utf-8")
    blocks = re.findall(r"{% block (\w+) %}", source)
    guide = (ROOT / "docs" / "html.md").read_text("utf-8")
    told = guide[guide.index("These blocks can be overridden") : guide.index("A template finds")]
    assert re.findall(r"`(\w+)`", told) == blocks


def test_command_line_refuses_what_will_not_do_and_keeps_the_old_file(fleet, tmp_path):
    saved, logo, page = tmp_path / "akscan.json", tmp_path / "logo.gif", tmp_path / "akscan.html"
    saved.write_bytes(encode_report(fleet))
    logo.write_bytes(b"GIF89a")
    page.write_text("as it was")
    ended = akscan("report", str(saved), "-f", "html", "-o", str(tmp_path), "--logo", str(logo))
    assert ended.code == 2
    assert f"{logo}: is neither PNG nor JPEG nor SVG" in ended.err
    assert page.read_text() == "as it was"
    ended = akscan("report", str(saved), "-f", "html", "-o", str(tmp_path), "--customer", "Contoso")
    assert ended.code == 0
    assert "<b><bdi>Contoso</bdi></b>" in page.read_text()
