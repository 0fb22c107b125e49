"""Flat exports read by a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from features.sources.errors import SourceError
from features.sources.mapped import canonical

Row = dict[str, Any]
Read = Callable[..., dict[str, list[Row]]]

DEALS = """
  - table: deals
    from: crm
    columns:
      deal_id: id
      account_id: customer
      deal_type: {constant: new}
      created_at: opened
      outcome: {column: result, values: {Won: won, Loss: lost, In progress: open}}
"""
PLAIN = """id,customer,opened,result
1,Acme,2024-01-05,Won
2,Bolt,2024-01-06,Loss
"""


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Read]:
    con = duckdb.connect(config={"threads": 1})
    con.execute("SET TimeZone = 'UTC'")

    def reading(tables: str, files: dict[str, str], zone: str = "UTC") -> dict[str, list[Row]]:
        export, staging = tmp_path / "export", tmp_path / "staging"
        export.mkdir(exist_ok=True)
        staging.mkdir(exist_ok=True)
        for name, text in files.items():
            (export / name).write_text(text, encoding="utf-8")
        names = "\n".join(f"  {Path(name).stem}: {{path: {name}}}" for name in files)
        mapping = tmp_path / "mapping.yaml"
        mapping.write_text(f"timezone: {zone}\nfiles:\n{names}\ntables:{tables}", encoding="utf-8")
        queries = canonical(con, export, staging, mapping)
        return {table: _rows(con, query) for table, query in queries.items()}

    yield reading
    con.close()


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    result = con.execute(f"SELECT * FROM ({query}) ORDER BY _file, _line")
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def deals_with(column: str) -> str:
    return DEALS + f"      {column}\n"


def test_columns_become_canonical_ones_with_file_and_line(read: Read) -> None:
    assert read(DEALS, {"crm.csv": PLAIN})["deals"][0] == {
        "deal_id": "1",
        "account_id": "Acme",
        "deal_type": "new",
        "created_at": "2024-01-05T00:00:00.000000Z",
        "outcome": "won",
        "_file": "crm.csv",
        "_line": 2,
        "_fault": None,
    }


def test_headers_may_have_blanks_commas_and_dots(read: Read) -> None:
    tables = DEALS.replace("deal_id: id", 'deal_id: "No., old"').replace("customer", "Client Name")
    text = '"No., old",Client Name,opened,result\n1,Acme,2024-01-05,Won\n'
    row = read(tables, {"crm.csv": text})["deals"][0]
    assert (row["deal_id"], row["account_id"]) == ("1", "Acme")


def test_a_word_outside_the_value_map_is_rejected_with_the_word(read: Read) -> None:
    row = read(DEALS, {"crm.csv": PLAIN.replace("Loss", "Lost")})["deals"][1]
    assert row["_fault"] == "outcome is not among the mapping's values: 'Lost'"


def test_otherwise_takes_other_words_but_not_empty_cells(read: Read) -> None:
    tables = DEALS.replace("In progress: open}", "In progress: open}, otherwise: open")
    text = PLAIN.replace("Loss", "Talking") + "3,Cobb,2024-01-07,\n"
    rows = read(tables, {"crm.csv": text})["deals"]
    assert [row["outcome"] for row in rows] == ["won", "open", None]
    assert [row["_fault"] for row in rows] == [None, None, None]


def test_null_words_hold_for_their_column_only(read: Read) -> None:
    tables = DEALS + "      industry: {column: industry, nulls: [None]}\n      x_competitor: competitor\n"
    text = (
        "id,customer,opened,result,industry,competitor\n1,Acme,2024-01-05,Won,None,None\n2,A,2024-01-05,Won,X,Unknown\n"
    )
    rows = read(tables, {"crm.csv": text})["deals"]
    assert [(row["industry"], row["x_competitor"]) for row in rows] == [(None, "None"), ("X", "Unknown")]


def test_repairs_replace_words_and_leave_others(read: Read) -> None:
    text = "id,customer,opened,result,stock\n1,A,2024-01-05,Won,May-20\n2,A,2024-01-05,Won,20-50\n"
    rows = read(deals_with("x_stock: {column: stock, repairs: {May-20: 5-20}}"), {"crm.csv": text})["deals"]
    assert [(row["x_stock"], row["_fault"]) for row in rows] == [("5-20", None), ("20-50", None)]


@pytest.mark.parametrize("value", ["May-20", "01-May", "5-jun"])
def test_a_value_that_a_spreadsheet_turned_into_a_date_is_rejected(read: Read, value: str) -> None:
    text = f"id,customer,opened,result,stock\n1,A,2024-01-05,Won,{value}\n"
    fault = read(deals_with("x_stock: stock"), {"crm.csv": text})["deals"][0]["_fault"]
    assert fault.startswith("x_stock looks like a value that a spreadsheet turned into a date")
    assert fault.endswith(f": '{value}'")
    kept = read(deals_with("x_stock: {column: stock, damage: keep}"), {"crm.csv": text})["deals"][0]
    assert (kept["x_stock"], kept["_fault"]) == (value, None)


def test_an_id_that_a_spreadsheet_shortened_is_rejected(read: Read) -> None:
    row = read(DEALS, {"crm.csv": PLAIN.replace("1,Acme", "1.23E+11,Acme")})["deals"][0]
    assert row["_fault"] == "deal_id was shortened by a spreadsheet and its digits are lost: '1.23E+11'"


def test_numbers_are_read_as_the_mapping_says(read: Read) -> None:
    text = "id;customer;opened;result;value\n" + "".join(
        f"{n};A;2024-01-05;Won;{value}\n" for n, value in enumerate(["1.234,50 €", "12", "1,234.50", "1.23"])
    )
    tables = deals_with("amount: {column: value, number: {decimal: ',', thousands: '.', strip: €}}")
    rows = read(tables, {"crm.csv": text})["deals"]
    assert [row["amount"] for row in rows[:2]] == ["1234.50", "12"]
    assert [row["_fault"] for row in rows] == [
        None,
        None,
        "amount is not a number written as the mapping says: '1,234.50'",
        "amount is not a number written as the mapping says: '1.23'",
    ]


def test_keys_are_joined_hashed_or_counted(read: Read) -> None:
    text = "id,customer,opened,result\n7,A,2024-01-05,Won\n7,A,2024-01-05,Won\n7,B,2024-01-05,Won\n"
    joined = DEALS.replace("deal_id: id", "deal_id: {join: [id, {hash: all}]}")
    keys = [row["deal_id"] for row in read(joined, {"crm.csv": text})["deals"]]
    assert keys[0] == keys[1] != keys[2]
    assert keys[0].startswith("7-")
    counted = DEALS.replace("deal_id: id", "deal_id: {row: line, prefix: d-}")
    assert [row["deal_id"] for row in read(counted, {"crm.csv": text})["deals"]] == ["d-2", "d-3", "d-4"]


def test_a_hash_does_not_depend_on_where_cells_end(read: Read) -> None:
    tables = DEALS.replace("deal_id: id", "deal_id: {hash: [id, customer]}")
    text = "id,customer,opened,result\nab,c,2024-01-05,Won\na,bc,2024-01-05,Won\nabc,,2024-01-05,Won\n"
    assert len({row["deal_id"] for row in read(tables, {"crm.csv": text})["deals"]}) == 3


def test_a_join_with_an_empty_part_is_empty_and_first_takes_the_next(read: Read) -> None:
    tables = DEALS.replace(
        "account_id: customer", "account_id: {first: [{join: [customer, id]}, {column: id, prefix: no-account-}]}"
    )
    rows = read(tables, {"crm.csv": PLAIN.replace("Bolt", "")})["deals"]
    assert [row["account_id"] for row in rows] == ["Acme-1", "no-account-2"]


def test_a_value_is_empty_where_its_condition_fails(read: Read) -> None:
    text = "id,customer,opened,result,value\n1,A,2024-01-05,Won,5\n2,A,2024-01-05,Loss,0\n"
    rows = read(deals_with("amount: {column: value, when: {column: result, is: Won}}"), {"crm.csv": text})["deals"]
    assert [row["amount"] for row in rows] == ["5", None]


def test_rejects_of_the_mapping_carry_their_reason(read: Read) -> None:
    tables = DEALS.replace(
        "    columns:", "    reject: [{when: {column: customer, is: Bolt}, reason: a test}]\n    columns:"
    )
    assert [row["_fault"] for row in read(tables, {"crm.csv": PLAIN})["deals"]] == [None, "a test"]


PARTNERS = """
  - table: partners
    from: crm
    only: [{column: partner, empty: false}]
    split: {column: partner, separator: ";"}
    distinct: true
    columns: {partner_id: partner, name: partner, partner_type: {constant: other}}
  - table: touchpoints
    from: crm
    only: [{column: partner, empty: false}]
    split: {column: partner, separator: ";"}
    columns:
      touchpoint_id: {hash: [id, partner]}
      deal_id: id
      partner_id: partner
      kind: {constant: named}
      occurred_at: opened
"""


def test_one_file_feeds_deals_partners_and_touchpoints(read: Read) -> None:
    text = "id,customer,opened,result,partner\n1,A,2024-01-05,Won,P1; P2\n2,A,2024-01-05,Won,\n3,A,2024-01-05,Loss,P1\n"
    tables = read(DEALS + PARTNERS, {"crm.csv": text})
    assert len(tables["deals"]) == 3
    assert sorted((row["partner_id"], row["_line"]) for row in tables["partners"]) == [("P1", 2), ("P2", 2)]
    touches = [(row["deal_id"], row["partner_id"]) for row in tables["touchpoints"]]
    assert sorted(touches) == [("1", "P1"), ("1", "P2"), ("3", "P1")]
    assert len({row["touchpoint_id"] for row in tables["touchpoints"]}) == 3


JOINED = DEALS.replace("    columns:", "    joins: [{file: prices, on: {product: product}IGNORE}]\n    columns:")
SOLD = "id,customer,opened,result,product\n1,A,2024-01-05,Won,GTXPro\n2,A,2024-01-05,Won,mg\n3,A,2024-01-05,Won,\n"
PRICES = "product,price\nGTX Pro,4821\nMG,55\n"


def joined(options: str = "") -> str:
    return JOINED.replace("IGNORE", options) + "      x_price: prices.price\n"


def test_a_key_that_the_other_file_lacks_is_rejected(read: Read) -> None:
    rows = read(joined(), {"crm.csv": SOLD, "prices.csv": PRICES})["deals"]
    assert [row["_fault"] for row in rows] == [
        "product is not in prices.csv: 'GTXPro'",
        "product is not in prices.csv: 'mg'",
        None,
    ]


def test_blanks_and_case_may_be_ignored_in_keys(read: Read) -> None:
    rows = read(joined(", ignore: [blanks, case]"), {"crm.csv": SOLD, "prices.csv": PRICES})["deals"]
    assert [(row["x_price"], row["_fault"]) for row in rows] == [("4821", None), ("55", None), (None, None)]


def test_files_may_be_called_like_words_of_sql_and_a_file_may_look_itself_up(read: Read) -> None:
    text = "id,customer,opened,result,parent\n1,A,2024-01-05,Won,2\n2,B,2024-01-05,Won,\n"
    tables = DEALS.replace("from: crm", "from: select").replace(
        "    columns:", "    joins: [{file: select, on: {parent: id}}]\n    columns:"
    )
    rows = read(tables + "      x_parent: select.customer\n", {"select.csv": text})["deals"]
    assert [row["x_parent"] for row in rows] == ["B", None]


def test_unmatched_keys_may_be_kept(read: Read) -> None:
    rows = read(joined(", unmatched: keep"), {"crm.csv": SOLD, "prices.csv": PRICES})["deals"]
    assert [(row["x_price"], row["_fault"]) for row in rows] == [(None, None)] * 3


def test_a_key_with_two_contents_is_rejected_and_a_copy_is_not(read: Read) -> None:
    prices = PRICES + "MG,56\nGTX Pro,4821\n"
    rows = read(joined(", ignore: [blanks, case]"), {"crm.csv": SOLD, "prices.csv": prices})["deals"]
    assert rows[0]["x_price"] == "4821"
    assert rows[1]["_fault"] == "product stands more than once in prices.csv, with differing content: 'mg'"


def test_unused_rows_of_the_other_file_may_be_rejected(read: Read) -> None:
    options = ", ignore: [blanks, case], unused: reject"
    rows = read(joined(options), {"crm.csv": SOLD, "prices.csv": PRICES + "Zeta,9\n"})["deals"]
    left = [row for row in rows if row["_file"] == "prices.csv"]
    assert [(row["_line"], row["_fault"]) for row in left] == [(4, "no row of crm.csv has this product: 'Zeta'")]


def test_a_broken_row_of_the_other_file_rejects_the_row_that_asks(read: Read) -> None:
    rows = read(joined(), {"crm.csv": SOLD.replace("mg", "MG"), "prices.csv": PRICES.replace("MG,55", "MG,55,1")})
    assert rows["deals"][1]["_fault"].startswith("its row in prices.csv ")


def test_times_without_offset_are_of_the_mapping_s_zone(read: Read) -> None:
    rows = read(DEALS, {"crm.csv": PLAIN.replace("2024-01-05", "2024-01-05 12:00")}, zone="America/New_York")["deals"]
    assert rows[0]["created_at"] == "2024-01-05T17:00:00.000000Z"


def test_a_date_that_does_not_fit_its_format_is_rejected_with_the_value(read: Read) -> None:
    tables = DEALS.replace("created_at: opened", 'created_at: {column: opened, date: "%d-%m-%Y"}')
    text = PLAIN.replace("2024-01-05", "31-02-2024").replace("2024-01-06", "28-02-2024") + "3,C,29-02-2024,Won\n"
    rows = read(tables, {"crm.csv": text})["deals"]
    assert rows[0]["_fault"] == "created_at is not a date written as %d-%m-%Y: '31-02-2024'"
    assert rows[2]["created_at"] == "2024-02-29T00:00:00.000000Z"


def test_a_column_that_is_not_iso_is_refused_with_the_evidence(read: Read) -> None:
    text = PLAIN.replace("2024-01-05", "05-01-24").replace("2024-01-06", "06-01-24")
    with pytest.raises(SourceError) as error:
        read(DEALS, {"crm.csv": text})
    assert str(error.value).startswith("The date format of opened in crm.csv is not ISO 8601: ")
    assert "no value decides between" in str(error.value)
    assert str(error.value).endswith("State the right one as `date:` of deals.created_at.")


def test_evidence_tells_whether_deals_close_after_they_open(read: Read) -> None:
    text = "id,customer,opened,result,closed\n1,A,20-10-16,Won,01-03-17\n2,A,25-10-16,Won,11-03-17\n"
    with pytest.raises(SourceError, match=r"%d-%m-%y reads 2 of 2 .* created <= closed in 2 of 2 rows"):
        read(deals_with("closed_at: closed"), {"crm.csv": text})


def test_a_stated_format_that_reads_less_than_half_is_refused(read: Read) -> None:
    tables = DEALS.replace("created_at: opened", 'created_at: {column: opened, date: "%m/%d/%Y"}')
    text = PLAIN.replace("2024-01-05", "25/01/2024").replace("2024-01-06", "26/01/2024") + "3,C,01/02/2024,Won\n"
    with pytest.raises(SourceError, match=r"is not %m/%d/%Y as stated: %d/%m/%Y reads 3 of 3 values"):
        read(tables, {"crm.csv": text})


def test_auto_takes_the_only_format_that_reads_every_value(read: Read) -> None:
    tables = DEALS.replace("created_at: opened", "created_at: {column: opened, date: auto}")
    decided = PLAIN.replace("2024-01-05", "05/01/2024").replace("2024-01-06", "26/01/2024")
    assert read(tables, {"crm.csv": decided})["deals"][0]["created_at"] == "2024-01-05T00:00:00.000000Z"
    with pytest.raises(SourceError, match="is not proved by its values"):
        read(tables, {"crm.csv": decided.replace("26/01", "06/01")})


def test_date_and_time_in_two_columns_are_joined(read: Read) -> None:
    tables = DEALS.replace(
        "created_at: opened", 'created_at: {join: [opened, at], separator: " ", date: "%d.%m.%Y %H:%M"}'
    )
    text = "id,customer,opened,at,result\n1,A,05.01.2024,14:30,Won\n"
    assert read(tables, {"crm.csv": text})["deals"][0]["created_at"] == "2024-01-05T14:30:00.000000Z"


def test_first_reads_each_date_in_its_own_format(read: Read) -> None:
    text = "id,customer,opened,result,won\n1,A,2024-01-05,Won,07.01.2024\n2,A,2024-01-05,Loss,\n"
    column = 'closed_at: {first: [{column: won, date: "%d.%m.%Y"}, {column: opened, add_days: 30}]}'
    rows = read(deals_with(column), {"crm.csv": text})["deals"]
    assert [row["closed_at"][:10] for row in rows] == ["2024-01-07", "2024-02-04"]


def test_a_renamed_column_is_named_with_the_nearest(read: Read) -> None:
    with pytest.raises(SourceError, match=r"crm.csv has no column 'customer'; is it 'Customer'\?"):
        read(DEALS, {"crm.csv": PLAIN.replace("customer", "Customer")})


def test_a_missing_file_tells_what_is_there(read: Read, tmp_path: Path) -> None:
    read(DEALS, {"crm.csv": PLAIN})
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("crm.csv", "erp.csv"), encoding="utf-8")
    with pytest.raises(SourceError, match=r"No file in .* is called 'erp\.csv'; there is crm\.csv"):
        canonical(duckdb.connect(), tmp_path / "export", tmp_path / "staging", mapping)


def test_parts_of_one_export_are_read_together(tmp_path: Path, read: Read) -> None:
    read(DEALS, {"crm.csv": PLAIN})
    (tmp_path / "export" / "crm2.csv").write_text(PLAIN.replace("1,", "3,").replace("2,B", "4,B"), encoding="utf-8")
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("crm.csv", "crm*.csv"), encoding="utf-8")
    con = duckdb.connect()
    query = canonical(con, tmp_path / "export", tmp_path / "staging", mapping)["deals"]
    assert [row["deal_id"] for row in _rows(con, query)] == ["1", "2", "3", "4"]
    (tmp_path / "export" / "crm3.csv").write_text("id,customer\n1,A\n", encoding="utf-8")
    with pytest.raises(SourceError, match="differ in opened, result"):
        canonical(con, tmp_path / "export", tmp_path / "staging", mapping)
