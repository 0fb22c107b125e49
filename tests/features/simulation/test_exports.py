from __future__ import annotations

import pandas as pd
import pytest

from features.simulation.answers import answers
from features.simulation.company import Company, simulate
from features.simulation.crm import crm
from features.simulation.dirt import soiled
from features.simulation.portal import portal
from features.simulation.settings import Settings
from features.tables import DIRECT, INPUT_TABLES


@pytest.fixture(scope="module")
def company() -> Company:
    return simulate(Settings(n_deals=400), seed=2)


@pytest.fixture(scope="module")
def objects(company: Company) -> dict[str, pd.DataFrame]:
    return crm(company)


@pytest.fixture(scope="module")
def tables(company: Company) -> dict[str, pd.DataFrame]:
    return portal(company)


def test_every_object_has_unique_ids_of_eighteen_characters(objects: dict[str, pd.DataFrame]) -> None:
    for frame in objects.values():
        assert frame["Id"].is_unique
        assert frame["Id"].str.fullmatch(r"[0-9A-Za-z]{18}").all()


def test_references_between_objects_hold(objects: dict[str, pd.DataFrame]) -> None:
    deals, accounts, people = (set(objects[name]["Id"]) for name in ("Opportunity", "Account", "Contact"))
    assert set(objects["Opportunity"]["AccountId"]) <= accounts
    assert set(objects["Contact"]["AccountId"]) <= accounts
    assert set(objects["OpportunityPartner"]["AccountToId"]) <= accounts
    for name in ("Task", "Event"):
        assert set(objects[name]["WhatId"]) <= deals
        assert set(objects[name]["WhoId"]) <= people


def test_touches_of_a_partner_are_those_with_its_people(company: Company, objects: dict[str, pd.DataFrame]) -> None:
    employer = objects["Contact"].set_index("Id")["AccountId"]
    helpers = objects["Account"].loc[objects["Account"]["IsPartner"], "Id"]
    rows = pd.concat([objects["Task"], objects["Event"]])
    counts = rows["WhoId"].map(employer).isin(helpers).sum()
    assert counts == (company.touches["partner"] >= 0).sum()


def test_nothing_hidden_is_exported(objects: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]) -> None:
    columns = {c.lower() for frame in [*objects.values(), *tables.values()] for c in frame.columns}
    assert not columns & {"quality", "effect", "role_in_truth", "credit", "dose", "win_probability", "died_early"}


def test_open_deals_have_no_closed_stage(objects: dict[str, pd.DataFrame]) -> None:
    deals = objects["Opportunity"]
    assert not deals.loc[~deals["IsClosed"], "StageName"].str.startswith("Closed").any()
    assert (deals.loc[deals["IsWon"], "StageName"] == "Closed Won").all()


def test_portal_tables_have_only_declared_columns_and_unique_keys(tables: dict[str, pd.DataFrame]) -> None:
    for name, frame in tables.items():
        table = INPUT_TABLES[name]
        assert set(frame.columns) <= set(table.column_names)
        assert {c.name for c in table.columns if not c.nullable} <= set(frame.columns)
        key = [column for column in table.key if column in frame.columns]
        assert not key or not frame.duplicated(key).any()


def test_truth_and_exports_speak_of_the_same_deals_and_partners(
    company: Company, objects: dict[str, pd.DataFrame]
) -> None:
    true = answers(company)
    deals = objects["Opportunity"]
    assert set(true["deals"]["deal_id"]) == set(deals.loc[deals["IsClosed"], "Id"])
    assert set(true["credits"]["partner_id"]) - {DIRECT} <= set(objects["Account"]["Id"])


def test_bad_rows_are_added_counted_and_leave_the_good_ones(
    objects: dict[str, pd.DataFrame], tables: dict[str, pd.DataFrame]
) -> None:
    dirty = soiled(objects, tables)
    added = dirty.planted.groupby(dirty.planted["system"] + "/" + dirty.planted["file"])["rows"].sum().to_dict()
    pairs = {f"crm/{name}": (frame, dirty.crm[name]) for name, frame in objects.items()}
    pairs |= {f"prm/{name}": (frame, dirty.prm[name]) for name, frame in tables.items()}
    for name, (clean, soil) in pairs.items():
        assert len(soil) == len(clean) + added.get(name, 0)
        assert soil.head(len(clean)).astype(str).equals(clean.astype(str))
    assert len(added) == 4
    assert set(dirty.planted["expected"]) == {"refused", "skipped"}
