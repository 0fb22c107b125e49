"""The real data sets through ingest, by the mappings and importers that ship."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from features.sources.errors import SourceError
from pipelines.ingest import TableReport, ingest
from pipelines.workspace import Workspace

RESAVED = "sales_pipeline_excel_resaved_dd-mm-yy.csv.gz"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path / "ws", create=True, threads=1)


def mapping(root: Path, name: str) -> str:
    return (root / "configs" / "mappings" / f"{name}.yaml").read_text(encoding="utf-8")


def mapped(workspace: Workspace, folder: Path, text: str, tmp_path: Path) -> TableReport:
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    report = ingest(workspace, "mapped", folder, mapping=path)
    assert list(report.tables) == ["deals"]
    deals = report.tables["deals"]
    assert deals.rows_in == deals.kept + deals.rejected
    return deals


def counts(workspace: Workspace, column: str) -> Counter[str | None]:
    return Counter(pq.read_table(workspace.path("deals"), columns=[column]).column(column).to_pylist())


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.mark.slow
def test_ibm_win_loss(workspace: Workspace, shared_data: Path, root: Path, tmp_path: Path) -> None:
    deals = mapped(workspace, shared_data / "ibm_win_loss", mapping(root, "ibm_win_loss"), tmp_path)
    assert (deals.rows_in, deals.kept, deals.reasons) == (78_025, 77_970, {"copy of an earlier row": 55})
    assert counts(workspace, "x_competitor_type")["None"] > 9_000
    amounts = pq.read_table(workspace.path("deals"), columns=["amount"]).column("amount").to_pylist()
    assert sum(amount == 0 for amount in amounts) > 2_000
    assert set(counts(workspace, "route")) == {"direct", "resale", None}
    assert counts(workspace, "outcome").total() == 77_970
    assert not any("days" in name or "ratio" in name or "stage_change" in name for name in _columns(workspace))


def _columns(workspace: Workspace) -> list[str]:
    return [name.lower() for name in pq.read_schema(workspace.path("deals")).names]


def test_salvirt_b2b_keeps_unknown_and_rows_that_repeat(
    workspace: Workspace, shared_data: Path, root: Path, tmp_path: Path
) -> None:
    deals = mapped(workspace, shared_data / "salvirt_b2b", mapping(root, "salvirt_b2b"), tmp_path)
    assert (deals.rows_in, deals.kept) == (448, 448)
    assert counts(workspace, "outcome") == {"won": 227, "lost": 221}
    assert counts(workspace, "route") == {"direct": 395, "co_sell": 53}
    assert counts(workspace, "source")["Unknown"] == 10
    assert len(counts(workspace, "account_id")) == 346


def test_maven_crm(workspace: Workspace, shared_data: Path, root: Path, tmp_path: Path) -> None:
    deals = mapped(workspace, shared_data / "maven_crm", mapping(root, "maven_crm"), tmp_path)
    assert (deals.rows_in, deals.kept, deals.reasons) == (8_800, 8_300, {"created_at is missing": 500})
    assert counts(workspace, "outcome") == {"won": 4_238, "lost": 2_473, "open": 1_589}
    assert counts(workspace, "solution")["GTX Pro"] > 1_000
    assert "technolgy" not in counts(workspace, "industry")
    table = pq.read_table(workspace.path("deals"), columns=["outcome", "amount", "x_list_price_usd"]).to_pylist()
    assert all((row["amount"] is None) == (row["outcome"] != "won") for row in table)
    assert all(row["x_list_price_usd"] is not None for row in table)


def test_maven_crm_saved_again_is_refused_until_its_format_is_stated(
    workspace: Workspace, shared_data: Path, root: Path, tmp_path: Path
) -> None:
    folder, text = shared_data / "maven_crm", mapping(root, "maven_crm")
    again = replaced(text, ("path: sales_pipeline.csv", f"path: {RESAVED}"))
    with pytest.raises(SourceError, match=r"%y-%m-%d reads 8,300 of 8,300 .* in 4,222 of 6,711 rows"):
        mapped(workspace, folder, again, tmp_path)
    auto = replaced(again, ("engage_date\n", "{column: engage_date, date: auto}\n"))
    with pytest.raises(SourceError, match="no value decides between %d-%m-%y and %y-%m-%d"):
        mapped(workspace, folder, auto, tmp_path)
    american = replaced(again, ("engage_date\n", '{column: engage_date, date: "%m-%d-%y"}\n'))
    with pytest.raises(SourceError, match=r"is not %m-%d-%y as stated: %d-%m-%y reads 8,300 of 8,300"):
        mapped(workspace, folder, american, tmp_path)


@pytest.mark.slow
def test_maven_crm_saved_again_with_its_format_equals_the_original(
    workspace: Workspace, shared_data: Path, root: Path, tmp_path: Path
) -> None:
    folder, text = shared_data / "maven_crm", mapping(root, "maven_crm")
    mapped(workspace, folder, text, tmp_path)
    original = pq.read_table(workspace.path("deals"))
    stated = replaced(
        text,
        ("path: sales_pipeline.csv", f"path: {RESAVED}"),
        ("engage_date\n", '{column: engage_date, date: "%d-%m-%y"}\n'),
        ("{column: close_date, ", '{column: close_date, date: "%d-%m-%y", '),
    )
    mapped(workspace, folder, stated, tmp_path)
    assert pq.read_table(workspace.path("deals")).equals(original)


@pytest.mark.slow
def test_olist_funnel_takes_leads_without_a_win_as_lost_after_160_days(
    workspace: Workspace, shared_data: Path, root: Path, tmp_path: Path
) -> None:
    deals = mapped(workspace, shared_data / "olist_funnel", mapping(root, "olist_funnel"), tmp_path)
    assert (deals.rows_in, deals.kept, deals.reasons) == (8_000, 7_999, {"closed_at lies before created_at": 1})
    assert counts(workspace, "outcome") == {"won": 841, "lost": 7_158}
    assert (counts(workspace, "source")["unknown"], counts(workspace, "source")[None]) == (1_099, 60)


DAY_FIRST = (
    ("olist_marketing_qualified_leads_dataset.csv", "olist_mql_dd-mm-yyyy.csv.gz"),
    ("olist_closed_deals_dataset.csv", "olist_closed_deals_EXCEL_MANGLED.csv"),
    ("created_at: first_contact_date", 'created_at: {column: first_contact_date, date: "%d-%m-%Y"}'),
    (
        "[closed.won_date, {column: first_contact_date, add_days: 160}]",
        """[{column: closed.won_date, date: "%d-%m-%Y %H:%M"},
                           {column: first_contact_date, date: "%d-%m-%Y", add_days: 160}]""",
    ),
)


@pytest.mark.slow
def test_olist_funnel_saved_again_loses_only_seconds(
    workspace: Workspace, shared_data: Path, root: Path, tmp_path: Path
) -> None:
    folder, text = shared_data / "olist_funnel", mapping(root, "olist_funnel")
    mapped(workspace, folder, text, tmp_path)
    original = pq.read_table(workspace.path("deals")).drop_columns(["closed_at"])
    deals = mapped(workspace, folder, replaced(text, *DAY_FIRST), tmp_path)
    assert deals.kept == 7_999
    assert pq.read_table(workspace.path("deals")).drop_columns(["closed_at"]).equals(original)
    with pytest.raises(SourceError, match=r"won_date in .* is not ISO 8601: %d-%m-%Y %H:%M reads 842 of 842"):
        mapped(workspace, folder, replaced(text, DAY_FIRST[1]), tmp_path)


@pytest.mark.slow
def test_olist_s_damaged_stock_is_rejected_or_repaired(
    workspace: Workspace, shared_data: Path, root: Path, tmp_path: Path
) -> None:
    folder, text = shared_data / "olist_funnel", replaced(mapping(root, "olist_funnel"), *DAY_FIRST)
    stock = "x_landing_page: landing_page_id\n"
    deals = mapped(
        workspace, folder, replaced(text, (stock, stock + "      x_stock: closed.average_stock\n")), tmp_path
    )
    reason = "x_stock looks like a value that a spreadsheet turned into a date (repair it, or map it under repairs)"
    assert deals.reasons[reason] == 22 + 10
    repaired = "      x_stock: {column: closed.average_stock, repairs: {May-20: 5-20, 01-May: 1-5}}\n"
    assert mapped(workspace, folder, replaced(text, (stock, stock + repaired)), tmp_path).kept == 7_999
    assert counts(workspace, "x_stock")["5-20"] == 22


@pytest.mark.slow
def test_olist_s_american_copy_is_read_by_its_own_format(
    workspace: Workspace, shared_data: Path, root: Path, tmp_path: Path
) -> None:
    text = replaced(
        mapping(root, "olist_funnel"),
        ("olist_closed_deals_dataset.csv", "olist_closed_deals_US_DATES_380rows.csv"),
        ("[closed.won_date,", '[{column: closed.won_date, date: "%m/%d/%Y %H:%M"},'),
    )
    deals = mapped(workspace, shared_data / "olist_funnel", text, tmp_path)
    assert deals.rows_in == 8_000
    assert counts(workspace, "outcome")["won"] >= 379


@pytest.mark.slow
def test_salesforce_seeds_go_through_and_say_why_nothing_can_be_used(workspace: Workspace, shared_data: Path) -> None:
    report = ingest(workspace, "salesforce", shared_data / "sf_seeds")
    assert {name: (table.rows_in, table.kept) for name, table in report.tables.items()} == {
        "deals": (10, 0),
        "stage_history": (10, 0),
        "partners": (0, 0),
        "contacts": (14, 8),
        "touchpoints": (20, 0),
    }
    assert report.tables["deals"].reasons == {"deleted in Salesforce": 10}
    assert report.tables["touchpoints"].reasons == {
        "not on an opportunity": 13,
        "deal_id is not among the kept rows of deals": 7,
    }


@pytest.mark.slow
def test_hubspot_seeds_go_through(workspace: Workspace, shared_data: Path) -> None:
    report = ingest(workspace, "hubspot", shared_data / "hubspot_seeds")
    assert {name: (table.rows_in, table.kept) for name, table in report.tables.items()} == {
        "deals": (44, 44),
        "stage_history": (14, 0),
        "partners": (0, 0),
        "contacts": (122, 122),
        "touchpoints": (106, 0),
    }
    assert report.tables["touchpoints"].reasons == {"not on a deal": 106}
