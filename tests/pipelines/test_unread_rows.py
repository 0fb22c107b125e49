"""No row of an export vanishes: one that cannot be read, or not be tied to what it is about, is among the rejects."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.sources import hubspot, salesforce
from pipelines.ingest import IngestReport, ingest
from pipelines.workspace import Workspace

pytestmark = pytest.mark.slow

Reject = tuple[str, str, int, str]

SALESFORCE = {
    "Opportunity": "Id,AccountId,StageName,CreatedDate,CloseDate,IsClosed,IsWon\n"
    "006A,001C,Closed Won,2024-01-05,2024-02-01,true,true\n006B,001C,Closed Won,2024-01-05,2024-02-01,true,true\n",
    "Account": "Id,Name,Type\n001C,Acme,Customer\n001P,Foo,Partner\n",
    "Contact": "Id,AccountId\n003C,001C\n003P,001P\n003Q,001P\n",
    "OpportunityContactRole": "Id,OpportunityId,ContactId,CreatedDate\n"
    "00K1,006A,003P,2024-01-10\n00K2,006B,003P,2024-01-10\n00K3,006A,003C,2024-01-10\n",
    "CampaignMember": "Id,CampaignId,ContactId,LeadId,CreatedDate\n00v1,701A,003C,,2024-01-11\n00v2,701A,,00Q1,?\n",
}
HUBSPOT = {
    "deal": "deal_id,deal_pipeline_stage_id,createdate,closedate\n1,closedwon,2024-01-05,2024-02-01\n",
    "company": "id,name,type\n10,Acme,PROSPECT\n20,Foo,PARTNER\n",
    "engagement_call": "engagement_id,hs_timestamp\n7,2024-01-10\n",
    "engagement_deal": "deal_id,engagement_id\n1,7\n",
}
OBJECTS = [("salesforce", found) for found in salesforce.OBJECTS] + [("hubspot", found) for found in hubspot.OBJECTS]
DEALS = "deal_id,account_id,deal_type,outcome,created_at\nD1,A1,new,open,2024-01-01\n"
MAPPING = """timezone: UTC
files:
  deals: {path: deals.csv}
  names: {path: names.csv}
tables:
  - table: deals
    from: deals
    joins: [{file: names, on: {account_id: id}}]
    columns:
      deal_id: deal_id
      account_id: account_id
      name: names.name
      deal_type: deal_type
      outcome: outcome
      created_at: created_at
    distinct: true
"""


def ingested(folder: Path, kind: str, files: dict[str, str], mapping: Path | None = None) -> list[Reject]:
    """The rejects (table, file, line, reason) of a fresh workspace that takes in the files."""
    export = folder / "export"
    export.mkdir()
    for name, text in files.items():
        (export / f"{name}.csv").write_text(text, encoding="utf-8")
    workspace = Workspace.open(folder / "workspace", create=True, threads=1)
    report = ingest(workspace, kind, export, mapping=mapping)
    rejects = stored_rejects(workspace)
    assert_adds_up(report, len(rejects))
    return rejects


def stored_rejects(workspace: Workspace) -> list[Reject]:
    with workspace.connect() as con:
        files = [str(path) for path in sorted(workspace.rejects.glob("*.parquet"))]
        query = f'SELECT "table", file, line, reason FROM read_parquet({files}) ORDER BY ALL'
        return con.execute(query).fetchall() if files else []


def assert_adds_up(report: IngestReport, rejected: int) -> None:
    assert all(table.rows_in == table.kept + table.rejected for table in report.tables.values())
    assert report.rejected == rejected


@pytest.fixture(scope="module")
def all_broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Reject]]:
    """For each system, the rejects of an export with one broken line in the file of every object."""
    return {
        kind: ingested(tmp_path_factory.mktemp(kind), kind, {found: broken(columns) for found, columns in objects})
        for kind, objects in (("salesforce", salesforce.OBJECTS.items()), ("hubspot", hubspot.OBJECTS.items()))
    }


def broken(columns: tuple[str, ...]) -> str:
    """A header and one line with a cell too many."""
    return ",".join(columns) + "\n" + "x," * len(columns) + "x\n"


@pytest.mark.parametrize(("kind", "found"), OBJECTS)
def test_a_broken_line_of_any_object_is_one_reject(all_broken: dict[str, list[Reject]], kind: str, found: str) -> None:
    ((_, _, line, reason),) = [reject for reject in all_broken[kind] if reject[1] == f"{found}.csv"]
    assert line == 2
    assert reason.startswith("wrong number of cells")


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "found"), OBJECTS)
def test_a_broken_line_is_one_reject_when_its_object_is_all_there_is(tmp_path: Path, kind: str, found: str) -> None:
    columns = {"salesforce": salesforce.OBJECTS, "hubspot": hubspot.OBJECTS}[kind][found]
    ((_, file, line, _),) = ingested(tmp_path, kind, {found: broken(columns)})
    assert (file, line) == (f"{found}.csv", 2)


def test_the_salesforce_rows_to_be_broken_are_fine_themselves(tmp_path: Path) -> None:
    assert ingested(tmp_path, "salesforce", SALESFORCE) == []


@pytest.mark.parametrize(
    ("found", "line", "reason"),
    [
        ("OpportunityContactRole", "00K9,006A,003X,2024-01-10", "not about a contact of the export: '003X'"),
        ("OpportunityContactRole", "00K9,006A,,2024-01-10", "not about a contact of the export: 'no record'"),
        ("OpportunityContactRole", "00K9,006A,003Q,10 Jan", "occurred_at is not a date or time in ISO 8601"),
        ("OpportunityContactRole", "00K9,006X,003Q,2024-01-10", "deal_id is not among the kept rows of deals"),
        ("CampaignMember", "00v9,701A,003X,,2024-01-11", "not about a contact of the export: '003X'"),
        ("CampaignMember", "00v9,701A,,,2024-01-11", "not about a contact of the export: 'no record'"),
        ("CampaignMember", "00v9,701A,003P,,11 Jan", "the response has no readable time: '11 Jan'"),
        ("Account", ",Bar,Partner", "id is missing"),
    ],
)
def test_a_salesforce_row_that_cannot_be_tied_to_anything_is_one_reject(
    tmp_path: Path, found: str, line: str, reason: str
) -> None:
    text = SALESFORCE[found] + line + "\n"
    (reject,) = ingested(tmp_path, "salesforce", SALESFORCE | {found: text})
    assert reject[1:3] == (f"{found}.csv", text.count("\n"))
    assert reject[3].startswith(reason)


def test_a_stage_entered_after_a_deleted_one_is_kept_and_those_of_no_deal_are_rejected(tmp_path: Path) -> None:
    history = (
        "Id,OpportunityId,StageName,CreatedDate,IsDeleted\n"
        "1,006A,Demo,2024-01-06,true\n2,006A,Demo,2024-01-07,false\n3,,Demo,2024-01-07,false\n4,,Demo,2024-01-08,false\n"
    )
    rejects = ingested(tmp_path, "salesforce", SALESFORCE | {"OpportunityHistory": history})
    assert [line for _, _, line, _ in rejects] == [2, 4, 5]


@pytest.mark.parametrize(
    ("found", "line", "reason"),
    [
        ("engagement_deal", "1,", "engagementid is missing"),
        ("engagement_deal", ",7", "dealid is missing"),
        ("company", ",Bar,PARTNER", "partner_id is missing"),
    ],
)
def test_a_hubspot_row_without_its_ids_is_one_reject(tmp_path: Path, found: str, line: str, reason: str) -> None:
    text = HUBSPOT[found] + line + "\n"
    (reject,) = ingested(tmp_path, "hubspot", HUBSPOT | {found: text})
    assert reject[1:] == (f"{found}.csv", text.count("\n"), reason)


@pytest.mark.parametrize("unused", ["ignore", "reject"])
def test_a_broken_row_of_a_file_that_a_mapping_looks_things_up_in_is_one_reject(tmp_path: Path, unused: str) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(MAPPING.replace("{account_id: id}", f"{{account_id: id}}, unused: {unused}"), encoding="utf-8")
    files = {"deals": DEALS, "names": "id,name\nA1,Acme\nA9,Foo,GmbH\n"}
    (reject,) = ingested(tmp_path, "mapped", files, mapping)
    assert reject[:3] == ("deals", "names.csv", 3)


def test_broken_rows_of_one_reason_are_not_merged_as_copies_of_each_other(tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    files = {"deals": DEALS + "?\n?\n", "names": "id,name\nA1,Acme\n"}
    rejects = ingested(tmp_path, "mapped", files, mapping)
    assert [(table, line) for table, _, line, _ in rejects] == [("deals", 3), ("deals", 4)]
