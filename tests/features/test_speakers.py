"""Speakers are told apart by address, domain, company in the name, and by nothing where nothing tells."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from features.mail_domains import clean_domain, domain_of, is_free_mail, with_parents
from features.speakers import PEOPLE_COLUMNS, SPEAKER_COLUMNS, OwnCompany, people, speaker_organisations

PARTNERS = pd.DataFrame(
    [
        {"partner_id": "P1", "name": "Brightmere Consulting GmbH", "domains": ["https://www.brightmere.com/"]},
        {"partner_id": "P2", "name": "Kestrel", "domains": ["gmail.com"]},
        {"partner_id": "P3", "name": "Slate", "domains": ["slate.io"]},
        {"partner_id": "P4", "name": "Slate Cloud", "domains": ["slate.io"]},
    ]
)
ALIASES = pd.DataFrame([{"partner_id": "P2", "alias": "KST"}])
CONTACTS = pd.DataFrame(
    [
        {"contact_id": "1", "name": "Ann Li", "email": "ann@gmail.com", "organisation": "partner", "partner_id": "P2"},
        {
            "contact_id": "2",
            "name": "Bo Berg",
            "email": "Bo@Acme.example",
            "organisation": "customer",
            "account_id": "A",
        },
        {"contact_id": "3", "name": "Cy Dahl", "email": "cy@us.example", "organisation": "internal"},
    ]
).assign(valid_from=None, valid_to=None)
TABLES = ("partners", "partner_aliases", "contacts", "participants")
OWN = OwnCompany(domains=("us.example",), names=("Usco",))


def conversations(account: str | None = None) -> pd.DataFrame:
    started = pd.Timestamp("2025-03-01", tz="UTC")
    return pd.DataFrame([{"conversation_id": "c", "account_id": account, "started_at": started}])


def utterances(*speakers: tuple[str | None, str | None, str]) -> pd.DataFrame:
    rows = [
        {"utterance_id": f"u{n}", "conversation_id": "c", "speaker": name, "speaker_email": email, "speaker_org": org}
        for n, (name, email, org) in enumerate(speakers)
    ]
    return pd.DataFrame(rows).assign(partner_id=None)


def resolved(*speakers: tuple[str | None, str | None, str], account: str | None = None, **changes: Any) -> pd.DataFrame:
    said = utterances(*speakers)
    tables: dict[str, Any] = {
        "partners": PARTNERS,
        "partner_aliases": ALIASES,
        "contacts": CONTACTS,
        "participants": pd.DataFrame(),
    }
    found = people(said, conversations(account), **{**tables, "own": OWN, **changes})
    return speaker_organisations(said, found)


@pytest.mark.parametrize(
    ("name", "email", "organisation", "partner"),
    [
        (None, "ann@gmail.com", "partner", "P2"),
        (None, "BO@acme.example", "customer", None),
        (None, "new@acme.example", "customer", None),
        (None, "x@mail.brightmere.com", "partner", "P1"),
        (None, "y@sales.us.example", "internal", None),
        (None, "z@slate.io", "partner", None),
        ("Dee (Brightmere Consulting)", None, "partner", "P1"),
        ("Dee | kst", None, "partner", "P2"),
        ("Usco - Eve", None, "internal", None),
        ("Li, Ann", None, "partner", "P2"),
        ("Bo Berg", None, "customer", None),
        ("Ann", None, "unknown", None),
        ("Dee (she/her)", None, "unknown", None),
        (None, "kim@gmail.com", "unknown", None),
        (None, None, "unknown", None),
    ],
)
def test_a_speaker_is_found_by_address_domain_company_or_name(
    name: str | None, email: str | None, organisation: str, partner: str | None
) -> None:
    row = resolved((name, email, "unknown")).iloc[0]
    assert row["speaker_org"] == organisation
    assert row["partner_id"] == partner if partner else pd.isna(row["partner_id"])
    assert (row["confidence"] == 0) == (organisation == "unknown")


def test_what_the_source_says_stays_but_its_nameless_partner_is_named() -> None:
    rows = resolved((None, "x@brightmere.com", "customer"), (None, "x@brightmere.com", "partner"))
    assert list(rows["speaker_org"]) == ["customer", "partner"]
    assert pd.isna(rows["partner_id"][0])
    assert rows["partner_id"][1] == "P1"


def test_people_called_internal_teach_their_domain_but_never_a_free_one() -> None:
    rows = resolved(
        (None, "a@new.example", "internal"),
        (None, "b@new.example", "unknown"),
        (None, "a@gmail.com", "internal"),
        (None, "b@gmail.com", "unknown"),
        own=OwnCompany(),
        contacts=pd.DataFrame(),
    )
    assert list(rows["speaker_org"]) == ["internal", "internal", "internal", "unknown"]


def test_a_contact_counts_only_while_it_is_valid() -> None:
    later = CONTACTS[:1].assign(valid_from=pd.Timestamp("2025-06-01", tz="UTC"))
    assert resolved((None, "ann@gmail.com", "unknown"), contacts=later)["speaker_org"][0] == "unknown"


def test_the_only_foreign_domain_beside_own_people_and_a_known_account_is_the_customers() -> None:
    talk = ((None, "cy@us.example", "unknown"), (None, "q@foreign.example", "unknown"))
    assert resolved(*talk)["speaker_org"][1] == "unknown"
    row = resolved(*talk, account="A7").iloc[1]
    assert (row["speaker_org"], row["account_id"]) == ("customer", "A7")
    two = (*talk, (None, "r@other.example", "unknown"))
    assert list(resolved(*two, account="A7")["speaker_org"][1:]) == ["unknown", "unknown"]


def test_rows_keep_their_order_and_index_whatever_the_order_of_tables() -> None:
    said = utterances(
        (None, "q@x.example", "unknown"), ("Bo Berg", None, "unknown"), (None, "cy@us.example", "unknown")
    )
    said.index = pd.Index([7, 3, 5])
    tables: dict[str, Any] = {
        "partners": PARTNERS,
        "partner_aliases": ALIASES,
        "contacts": CONTACTS,
        "participants": pd.DataFrame(),
    }
    found = people(said, conversations(), **tables, own=OWN)
    back = people(said[::-1], conversations(), **{k: v[::-1] for k, v in tables.items()}, own=OWN)
    pd.testing.assert_frame_equal(found, back)
    assert list(found.columns) == list(PEOPLE_COLUMNS)
    rows = speaker_organisations(said, found)
    assert list(rows.columns) == list(SPEAKER_COLUMNS)
    assert list(rows.index) == [7, 3, 5]
    assert list(rows["speaker_org"]) == ["unknown", "customer", "internal"]


def test_participants_who_do_not_speak_are_among_the_people() -> None:
    silent = pd.DataFrame([{"conversation_id": "c", "name": "Bo", "email": "bo@acme.example", "organisation": None}])
    tables: dict[str, Any] = {
        "partners": PARTNERS,
        "partner_aliases": ALIASES,
        "contacts": CONTACTS,
        "participants": silent,
    }
    found = people(utterances((None, None, "unknown")), conversations(), **tables, own=OWN)
    assert list(found["speaker_org"]) == ["unknown", "customer"]


def test_empty_tables_give_empty_people() -> None:
    none = pd.DataFrame(columns=["conversation_id", "account_id", "started_at"])
    tables: dict[str, Any] = dict.fromkeys(TABLES, pd.DataFrame())
    said = utterances((None, None, "unknown"))[:0]
    found = people(said, none, **tables)
    assert found.empty
    assert speaker_organisations(said, found).empty


def test_domains_are_read_from_addresses_and_sites() -> None:
    assert domain_of("Ann Li <ann@Mail.Acme.example>") == "mail.acme.example"
    assert domain_of("ann at acme") is None
    assert clean_domain("@Acme.example") == clean_domain("https://www.acme.example/en") == "acme.example"
    assert clean_domain("com") is None
    assert with_parents("a.b.co") == ("a.b.co", "b.co")
    assert is_free_mail("gmail.com")
    assert is_free_mail("proton.me")
    assert not is_free_mail("acme.example")
