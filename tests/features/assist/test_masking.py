"""Names by role."""

from __future__ import annotations

from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from features.assist.links import candidates, link_partners
from features.assist.masking import Masker, masked

PARTNERS = pd.DataFrame(
    {
        "partner_id": ["b", "k"],
        "name": ["Brightmere", "Kestrel Systems"],
        "domains": [[], ["kestrel.example"]],
    }
)
ALIASES = pd.DataFrame({"partner_id": ["k"], "alias": ["Kestrel"]})


def said(*turns: str, **columns: Any) -> pd.DataFrame:
    n = len(turns)
    frame = {"utterance_id": [f"u{i}" for i in range(n)], "conversation_id": ["c"] * n, "seq": range(n), "text": turns}
    return pd.DataFrame(frame | {"speaker_org": ["internal"] * n} | columns)


def texts(utterances: pd.DataFrame, **names: list[str]) -> list[str]:
    mentions = link_partners(utterances, PARTNERS, ALIASES)
    return masked(utterances, mentions, candidates(utterances, mentions), **names).tolist()


def test_the_pairs_partner_and_the_others_are_told_apart() -> None:
    assert texts(said("Kestrel's team taught bright mere.")) == [
        "[PARTNER]'s team taught [OTHER_PARTNER].",
        "[OTHER_PARTNER]'s team taught [PARTNER].",
    ]


def test_legal_forms_and_addresses_go_with_the_name() -> None:
    assert texts(said("Ask Kestrel GmbH or jo@kestrel.example or bo@else.example")) == [
        "Ask [PARTNER] or [PARTNER] or [NAME]"
    ]


def test_customers_vendors_and_rivals_by_the_names_given() -> None:
    told = texts(
        said("Fellside Bank left Vexley for Oxbridge Suite after Kestrel's demo."),
        customers=["Fellside Bank"],
        vendors=["Oxbridge Suite"],
        rivals=["Vexley"],
    )
    assert told == ["[CUSTOMER] left [RIVAL] for [VENDOR] after [PARTNER]'s demo."]


def test_a_competitor_is_known_by_what_is_said_of_it_anywhere_in_the_conversation() -> None:
    assert texts(said("Vexley's reseller came.", "So Vexley won?")) == ["[RIVAL]'s reseller came.", "So [RIVAL] won?"]


def test_people_are_names_and_pronouns_stay() -> None:
    told = texts(said("Marit, we met Jakov from Kestrel and they liked it.", speaker=["Marit Dahl"]))
    assert told == ["[NAME], we met [NAME] from [PARTNER] and they liked it."]


def test_stand_ins_are_found_again_in_the_masked_text() -> None:
    utterances = said("Kestrel Systems came and they fixed it.", "Bo, they did.")
    masker = Masker(utterances, link_partners(utterances, PARTNERS, ALIASES))
    first, second = masker.masked("u0", "k"), masker.masked("u1", "k")
    assert [first.text[start:end] for start, end in first.partner_spans] == ["[PARTNER]", "they"]
    assert [second.text[start:end] for start, end in second.partner_spans] == ["they"]
    assert masker.masked("u0", "b").partner_spans == ()


def test_a_turn_of_the_context_is_masked_for_the_same_partner() -> None:
    utterances = said("Kestrel and Brightmere?", "They did.")
    masker = Masker(utterances, link_partners(utterances, PARTNERS, ALIASES))
    assert masker.masked("u0", "b").text == "[OTHER_PARTNER] and [PARTNER]?"
    assert masker.masked("u0", None).text == "[OTHER_PARTNER] and [OTHER_PARTNER]?"


def test_missing_text_is_empty() -> None:
    assert texts(said("Kestrel?").assign(text=pd.Series([None], dtype="object"))) == [""]


@settings(max_examples=8, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_the_masking_and_no_name_is_left(before: str, after: str) -> None:
    for text in texts(said(f"{before} Kestrel, {after}")):
        assert "Kestrel," not in text


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.sampled_from(["Kestrel fixed it.", "Then bright mere rang.", "They did.", "So, Kestrel's?"]), min_size=1
    )
)
def test_masked_texts_do_not_depend_on_the_names(turns: list[str]) -> None:
    expected = texts(said(*turns))
    new = {"Kestrel": "Drosvik", "Brightmere": "Ulmenhall", "bright mere": "ulmen hall"}
    utterances = said(*turns)
    utterances["text"] = utterances["text"].replace(new, regex=True)
    partners = PARTNERS.assign(name=PARTNERS["name"].replace(new, regex=True))
    mentions = link_partners(utterances, partners, ALIASES.assign(alias=["Drosvik"]))
    assert masked(utterances, mentions, candidates(utterances, mentions)).tolist() == expected
