"""Proposed mappings: what is plain, what is unsure, and what is left to be chosen."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from features.sources.errors import SourceError
from features.sources.mapped import canonical
from features.sources.propose import propose

DEALS = """Deal ID,Customer,Partner,Amount (EUR),Status,Created,Closed,Stock
1,Acme,Foo GmbH,1000,Won,03.04.2024,05.04.2024,May-20
2,Bolt,,500,Lost,25.04.2024,30.04.2024,20-50
3,Bolt,Bar Ltd,500,Open,26.04.2024,,
"""


def proposed(tmp_path: Path, **files: str) -> str:
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return propose(tmp_path)


def line(text: str, start: str) -> str:
    return next(part.strip() for part in text.splitlines() if part.strip().startswith(start))


def comment(text: str, start: str) -> str:
    lines = [part.strip() for part in text.splitlines()]
    return lines[next(n for n, part in enumerate(lines) if part.startswith(start)) - 1]


def test_usual_names_are_taken_without_a_word(tmp_path: Path) -> None:
    text = proposed(tmp_path, deals=DEALS)
    assert line(text, "deal_id:") == "deal_id: Deal ID"
    assert line(text, "account_id:") == "account_id: Customer"
    assert not comment(text, "account_id:").startswith("#")


def test_a_name_that_only_sounds_alike_is_unsure(tmp_path: Path) -> None:
    text = proposed(tmp_path, deals=DEALS)
    assert line(text, "amount:") == 'amount: "Amount (EUR)"'
    assert comment(text, "amount:") == "# UNSURE: Amount (EUR) only sounds like amount"
    assert line(text, "currency:") == "currency: {constant: EUR}"


def test_a_proved_date_format_is_stated_with_its_evidence(tmp_path: Path) -> None:
    text = proposed(tmp_path, deals=DEALS)
    assert line(text, "created_at:") == 'created_at: {column: Created, date: "%d.%m.%Y"}'
    assert comment(text, "created_at:").startswith("# %d.%m.%Y reads 3 of 3 values")


def test_an_ambiguous_date_format_is_left_to_choose_with_its_evidence(tmp_path: Path) -> None:
    days = DEALS.replace("25.04", "02.04").replace("26.04", "03.04").replace("30.04", "04.04")
    text = proposed(tmp_path, deals=days)
    assert line(text, "created_at:") == 'created_at: {column: Created, date: "?"}'
    assert comment(text, "created_at:").startswith("# UNSURE: ")
    assert "no value decides between" in comment(text, "created_at:")


def test_words_are_shown_with_their_counts_and_unknown_ones_are_left_to_choose(tmp_path: Path) -> None:
    text = proposed(tmp_path, deals=DEALS.replace("Open", "Zurückgestellt"))
    assert line(text, "outcome:").endswith('values: {Lost: lost, Won: won, Zurückgestellt: "?"}}')
    assert "Found: 'Lost' 1, 'Won' 1, 'Zurückgestellt' 1" in comment(text, "outcome:")


def test_damage_by_a_spreadsheet_is_told(tmp_path: Path) -> None:
    assert "Stock was damaged by a spreadsheet: May-20 (1)." in proposed(tmp_path, deals=DEALS)


def test_columns_left_over_are_covariates_in_comments(tmp_path: Path) -> None:
    assert line(proposed(tmp_path, deals=DEALS), "# x_stock:") == "# x_stock: Stock"


def test_a_partner_column_becomes_partners_and_touchpoints_to_be_dated(tmp_path: Path) -> None:
    text = proposed(tmp_path, deals=DEALS)
    assert "  - table: partners" in text
    assert "  # UNSURE: Partner does not say when the partner did what." in text


def test_a_key_that_repeats_is_made_one_by_a_digest(tmp_path: Path) -> None:
    text = proposed(tmp_path, deals=DEALS.replace("\n3,", "\n2,"))
    assert line(text, "deal_id:") == "deal_id: {join: [Deal ID, {hash: all}]}"
    assert "1 rows repeat a Deal ID of another, 0 of them exactly" in comment(text, "deal_id:")


def test_a_lookup_is_proposed_with_the_differences_to_ignore(tmp_path: Path) -> None:
    deals = DEALS.replace("Stock", "Product").replace("May-20", "GTXPro").replace("20-50", "MG")
    text = proposed(tmp_path, deals=deals, prices="Product,List\nGTX Pro,4821\nMG,55\n")
    assert line(text, "- {file:") == "- {file: prices, on: {Product: Product}, ignore: [blanks, case]}"
    assert "in 1 of 2 rows, in 2 when blanks and capitals do not count" in comment(text, "- {file:")


def test_other_tables_are_told_by_their_columns(tmp_path: Path) -> None:
    touches = "Activity ID,Opportunity ID,Partner,Activity Type,Activity Date\nt1,1,P,Demo,2024-01-05\n"
    partners = "Partner ID,Partner Name,Partner Type\nP,Foo,Reseller\n"
    text = proposed(tmp_path, deals=DEALS, activities=touches, partners=partners)
    assert "  - table: touchpoints\n    from: activities" in text
    assert "  - table: partners\n    from: partners" in text
    assert (
        line(text, "partner_type: {column: Partner Type")
        == "partner_type: {column: Partner Type, values: {Reseller: reseller}}"
    )


def test_a_proposal_with_questions_left_is_refused_and_an_answered_one_is_read(tmp_path: Path) -> None:
    export, staging = tmp_path / "export", tmp_path / "staging"
    export.mkdir()
    staging.mkdir()
    text = proposed(export, deals=DEALS.replace("Open", "Zurückgestellt"))
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match="'\\?' is still to be chosen"):
        canonical(duckdb.connect(), export, staging, mapping)
    mapping.write_text(text.replace('"?"', "open"), encoding="utf-8")
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    queries = canonical(con, export, staging, mapping)
    deals = con.execute(f"SELECT deal_id, outcome, _fault FROM ({queries['deals']}) ORDER BY _line").fetchall()
    assert deals == [("1", "won", None), ("2", "lost", None), ("3", "open", None)]
    partners = con.execute(f"SELECT partner_id FROM ({queries['partners']}) ORDER BY 1").fetchall()
    assert partners == [("Bar Ltd",), ("Foo GmbH",)]


def test_a_folder_without_readable_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.docx").write_text("x", encoding="utf-8")
    with pytest.raises(SourceError, match="holds no file that ends in"):
        propose(tmp_path)


def test_a_broken_file_is_named_beside_the_good_ones(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"nonsense")
    assert "# Not read: " in proposed(tmp_path, deals=DEALS)


def test_how_numbers_are_written_is_told_by_all_of_them(tmp_path: Path) -> None:
    def amounts(*values: str) -> str:
        rows = "".join(f'D{n};A;new;"{value}";2025-01-01;open\n' for n, value in enumerate(values))
        (tmp_path / "crm.csv").write_text("deal_id;account;type;amount;created_at;outcome\n" + rows, encoding="utf-8")
        text = propose(tmp_path / "crm.csv").splitlines()
        return " ".join(text[n - 1].strip() + line for n, line in enumerate(text) if line.startswith("      amount:"))

    assert amounts("1234.50", "7").endswith("amount: amount")
    assert amounts("", "").endswith("amount: amount")
    assert 'number: {thousands: ","}}' in amounts("12,500.00", "7")
    assert 'number: {decimal: ",", thousands: "."}}' in amounts("1.250,5", "7")
    assert 'number: {decimal: ","}}' in amounts("1250,5", "7")
    assert 'number: {thousands: ",", strip: "$"}}' in amounts("$1,250.5", "$ 7")
    assert 'number: {decimal: "?"' in amounts("1,250", "7")
    assert "UNSURE: amount reads as" in amounts("1,250", "7")
    assert "UNSURE: not all values of amount are numbers written in one way, e.g. n/a" in amounts("n/a", "7")
