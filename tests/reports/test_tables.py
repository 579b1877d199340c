"""CSV and XLSX, as spreadsheets read them."""

import csv
import io
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator

import msgspec
import openpyxl
import pytest
from akscan.sdk import Report
from akscan_reports import csv as csv_reporter
from akscan_reports import xlsx
from akscan_reports.rows import CELL, cut, reads_as_formula

FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2", "@SUM(A1)", "＝1", "<r><t>x</t></r>", "_x000D_", '"quoted", twice')
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def table(report: Report) -> list[dict[str, str]]:
    out = io.BytesIO()
    csv_reporter.write(report, out)
    return list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline="")))


def book(report: Report, rows: int = xlsx.ROWS) -> bytes:
    out = io.BytesIO()
    xlsx.write_workbook(report, out, rows)
    return out.getvalue()


def sheets(data: bytes) -> dict[str, list[tuple]]:
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in workbook}


def parts(data: bytes) -> Iterator[tuple[str, ET.Element]]:
    with zipfile.ZipFile(io.BytesIO(data)) as members:
        for name in members.namelist():
            yield name, ET.fromstring(members.read(name))  # noqa: S314 written a moment ago


@pytest.fixture
def formulas(make_report, public, deployments) -> Report:
    return make_report(public(), deployments(*FORMULAS))


def test_a_row_says_what_where_and_how_to_fix_it(compared):
    rows = table(compared)
    assert len(rows) == len(compared.findings) + len(compared.waived) + 3 + 2
    finding = next(row for row in rows if row["rule"] == "API-901" and row["resource_group"] == "rg-test")
    assert finding["status"] == "open"
    assert finding["severity"] == "high"
    assert finding["cluster"] == "rg-test/aks-shop"
    assert finding["evidence"] == '{"enablePrivateCluster":false,"authorizedIPRanges":[],"fqdn":null}'
    assert finding["commands"].startswith("az aks create --resource-group rg-test")
    assert finding["frameworks"] == "cis_aks 5.4.2, mcsb NS-2"
    waived = next(row for row in rows if row["status"] == "waived")
    assert waived["waived_by"] == 'OPS-1: =HYPERLINK("https://evil.example") (@team, until 2027-01-31)'
    unknown = next(row for row in rows if row["status"] == "not assessed")
    assert (unknown["permission"], unknown["fingerprint"]) == ("list secrets", "")
    assert next(row for row in rows if row["status"] == "error")["message"] == "ValueError: crash"


def test_csv_gives_no_formula_to_a_spreadsheet(formulas):
    names = {row["name"] for row in table(formulas)}
    assert names == {f"'{name}" if name in FORMULAS[:5] else name for name in (*FORMULAS, "aks")}
    for row in table(formulas):
        assert not any(reads_as_formula(cell) for cell in row.values())


def test_commands_of_several_lines_stay_in_their_cell(formulas):
    first = msgspec.structs.replace(formulas.findings[0].remediation, commands="one \\\n  --two\x00")
    finding = msgspec.structs.replace(formulas.findings[0], remediation=first)
    (row,) = table(msgspec.structs.replace(formulas, findings=(finding,)))
    assert row["commands"] == "one \\\n  --two"


def test_a_workbook_holds_text_and_numbers_only(formulas):
    data = book(formulas)
    kinds = set()
    for name, root in parts(data):
        if name.startswith("xl/worksheets/"):
            assert not list(root.iter(f"{MAIN}f"))
            kinds |= {cell.get("t", "n") for cell in root.iter(f"{MAIN}c")}
    assert kinds == {"inlineStr", "n"}
    rows = sheets(data)["findings"]
    names = {row[rows[0].index("name")] for row in rows[1:]}
    # Excel reads _x005F_ as an underscore; openpyxl leaves it
    written_otherwise = {"<r><t>x</t></r>": " <r><t>x</t></r>", "_x000D_": "_x005F_x000D_"}
    assert names == {written_otherwise.get(name, name) for name in (*FORMULAS, "aks")}


def test_what_reads_as_a_formula_stays_text_when_it_is_edited(formulas):
    workbook = openpyxl.load_workbook(io.BytesIO(book(formulas)))
    quoted = {
        cell.value: cell.quotePrefix
        for row in workbook["findings"].iter_rows(min_row=2)
        for cell in row
        if cell.value in FORMULAS
    }
    assert {name for name, is_quoted in quoted.items() if is_quoted} == set(FORMULAS[:5])


@pytest.mark.parametrize("which", ["compared", "hostile", "formulas", "framed"])
def test_excel_has_nothing_to_repair(which, request):
    data = book(request.getfixturevalue(which))
    found = dict(parts(data))
    names = [sheet.get("name") for sheet in found["xl/workbook.xml"].iter(f"{MAIN}sheet")]
    assert names == ["summary", "findings", "coverage", "gaps", "rules", "waivers"]
    types = {entry.get("PartName") for entry in found["[Content_Types].xml"]} - {None}
    assert types <= {f"/{name}" for name in found}
    styles = len(found["xl/styles.xml"].find(f"{MAIN}cellXfs"))
    for name, root in found.items():
        if name.startswith("xl/worksheets/"):
            places = [cell.get("r") for cell in root.iter(f"{MAIN}c")]
            assert len(set(places)) == len(places)
            numbers = [int(row.get("r")) for row in root.iter(f"{MAIN}row")]
            assert numbers == sorted(set(numbers))
            assert all(int(cell.get("s", "0")) < styles for cell in root.iter(f"{MAIN}c"))
            for text in root.iter(f"{MAIN}t"):
                assert len(text.text.encode("utf-16-le")) <= 2 * CELL
    for defined in found["xl/workbook.xml"].iter(f"{MAIN}definedName"):
        assert re.fullmatch(r"[a-z]+!\$A\$1:\$[A-Z]+\$\d+", defined.text)


def test_the_sheets_tell_what_the_report_does(compared):
    found = sheets(book(compared))
    summary = found["summary"]
    assert ("result", "9 findings (2 high, 7 medium), 20 waived; 86.4 % assessed") in [row[:2] for row in summary]
    assert summary[-1] == ("all", 0, 2, 7, 0, 0, 2, 20, 3, 2, 86.4)
    assert found["coverage"][-1] == ("all", 32, 37, 86.4)
    assert sum(row[-1] for row in found["gaps"][1:]) == len(compared.not_assessed)
    headings, *rules = found["rules"]
    counts = compared.counts()
    for row in rules:
        line = dict(zip(headings, row, strict=True))
        wanted = {status.replace("_", " "): number for status, number in counts[line["rule"]].items()}
        assert {name: line[name] for name in wanted} == wanted
    assert [row[0] for row in found["waivers"][1:]] == ["used", "unused"]
    assert [row[6] for row in found["waivers"][1:]] == [20, 0]


def test_more_rows_than_a_sheet_holds_go_on_on_the_next(compared):
    found = sheets(book(compared, rows=15))
    names = [name for name in found if name.startswith("findings")]
    assert names == ["findings", "findings 2", "findings 3"]
    whole = sheets(book(compared))["findings"]
    assert [row for name in names for row in found[name][1:]] == whole[1:]
    assert all(len(found[name]) <= 15 and found[name][0] == whole[0] for name in names)
    (remark,) = (row[1] for row in found["summary"] if row[0] == "findings")
    assert remark == "continue on further sheets, up to findings 3: a sheet has 15 rows"


def test_rows_that_just_fill_a_sheet_make_no_further_one(compared):
    rows = len(sheets(book(compared))["findings"])
    assert "findings 2" not in sheets(book(compared, rows=rows))
    assert "findings 2" in sheets(book(compared, rows=rows - 1))


def test_a_cell_that_is_too_long_is_cut_and_counted(compared):
    first = msgspec.structs.replace(compared.findings[0], evidence={"long": "😀" * 40_000})
    report = msgspec.structs.replace(compared, findings=(first, *compared.findings[1:]))
    found = sheets(book(report))
    longest = max((cell for row in found["findings"] for cell in row if isinstance(cell, str)), key=len)
    assert longest.endswith("😀…")
    assert CELL - 2 <= len(longest.encode("utf-16-le")) // 2 <= CELL
    assert ("cut", f"1 cell ends in an ellipsis: a cell holds {CELL} characters") in [r[:2] for r in found["summary"]]
    assert next(row["evidence"] for row in table(report)) == longest


def test_what_fits_is_not_cut():
    assert cut("x" * CELL) == "x" * CELL
    assert cut("x" * (CELL + 1)) == f"{'x' * (CELL - 1)}…"
    assert cut("😀" * (CELL // 2)) == "😀" * (CELL // 2)
