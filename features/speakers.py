"""Whose person somebody in a conversation is: the vendor's own, a customer's, a partner's, or not known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pandas as pd

from features.directory import Affiliation, Directory, OwnCompany
from features.mail_domains import domain_of, is_free_mail

__all__ = ["PEOPLE_COLUMNS", "SPEAKER_COLUMNS", "OwnCompany", "people", "speaker_organisations"]

_PERSON: Final = ["conversation_id", "name", "email", "said_org", "said_partner_id"]
_FOUND: Final = ["speaker_org", "partner_id", "account_id", "confidence", "reason"]
PEOPLE_COLUMNS: Final = (*_PERSON, *_FOUND)
"""Columns of ``people``."""
SPEAKER_COLUMNS: Final = ("utterance_id", *_FOUND)
"""Columns of ``speaker_organisations``."""

_COMPANY_MARKS: Final = re.compile(r"\s+[|@/–—-]\s+|[()\[\]]")
_UNNAMED: Final = OwnCompany()


@dataclass(frozen=True)
class _Finding:
    """An affiliation, how sure it is (set by judgement, not measured), and by what it was found."""

    affiliation: Affiliation
    confidence: float
    reason: str


_NOT_KNOWN: Final = _Finding(Affiliation("unknown"), 0.0, "nothing tells whose person this is")


def people(
    utterances: pd.DataFrame,
    conversations: pd.DataFrame,
    *,
    partners: pd.DataFrame,
    partner_aliases: pd.DataFrame,
    contacts: pd.DataFrame,
    participants: pd.DataFrame,
    own: OwnCompany = _UNNAMED,
) -> pd.DataFrame:
    """Everyone who spoke or took part, and whose person each is.

    In this order, the first that tells: what the source says; a contact with the address at the conversation's start;
    the address's domain (the own company's, a partner's, one that only people of one company have); a company behind
    the name, as in ``Ann Li (Brightmere)``; the only contact of that full name; in a conversation with a known account
    and own people, the only outside domain that is nobody's. A free-mail domain tells nothing.

    Parameters
    ----------
    utterances, conversations, partners, partner_aliases, contacts, participants : the canonical tables; those that a
        workspace lacks as empty frames. They may have come later than the conversations: nothing is remembered.
    own : the own company's domains and names.

    Returns
    -------
    A row per conversation and person, ``PEOPLE_COLUMNS``, sorted: ``name``, ``email``, ``said_org`` and
    ``said_partner_id`` as the source has them (empty text where it has none), ``speaker_org``, ``partner_id`` and
    ``account_id`` (null where not known), ``confidence`` (0 for ``unknown``, 1 for what the source says), ``reason``.
    """
    listed = _listed(utterances, participants)
    internal = listed.loc[listed["said_org"] == "internal", "email"].unique()
    directory = Directory.of(partners, partner_aliases, contacts, own, internal)
    started = conversations.drop_duplicates("conversation_id").set_index("conversation_id")["started_at"]
    moments = pd.to_datetime(started.reindex(listed["conversation_id"]), utc=True).fillna(pd.Timestamp(0, tz="UTC"))
    rows = zip(listed[_PERSON[1:]].itertuples(index=False, name=None), moments, strict=True)
    found = [_found(directory, *map(str, person), moment=moment) for person, moment in rows]
    return _with_outsiders(_framed(listed, found), conversations)


def speaker_organisations(utterances: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Whose person speaks in each utterance: ``SPEAKER_COLUMNS``, indexed as ``utterances``.

    ``people`` is what the function of that name gave for these utterances. Put ``speaker_org`` and ``partner_id`` in
    place of the table's own columns: they are never less than what the source said.
    """
    keyed = _persons(utterances, "speaker", "speaker_email", "speaker_org").assign(order=range(len(utterances)))
    merged = keyed.merge(people, on=_PERSON, how="left", validate="many_to_one").sort_values("order")
    out = merged[_FOUND].set_axis(utterances.index)
    return out.assign(utterance_id=utterances["utterance_id"])[list(SPEAKER_COLUMNS)]


def _persons(frame: pd.DataFrame, name: str, email: str, organisation: str) -> pd.DataFrame:
    columns = {"conversation_id": "conversation_id", name: "name", email: "email", organisation: "said_org"}
    columns["partner_id"] = "said_partner_id"
    chosen = frame.reindex(columns=list(columns)).rename(columns=columns).astype(object)
    return chosen.where(chosen.notna(), "").astype(str)


def _listed(utterances: pd.DataFrame, participants: pd.DataFrame) -> pd.DataFrame:
    spoke = _persons(utterances, "speaker", "speaker_email", "speaker_org")
    took_part = _persons(participants, "name", "email", "organisation")
    everyone = pd.concat([spoke, took_part], ignore_index=True).replace({"said_org": {"": "unknown"}})
    return everyone.drop_duplicates().sort_values(_PERSON, ignore_index=True)


def _found(
    directory: Directory, name: str, email: str, said_org: str, said_partner_id: str, *, moment: pd.Timestamp
) -> _Finding:
    told = _told(directory, name, email, moment)
    if said_org == "unknown":
        return told or _NOT_KNOWN
    if said_org == "partner" and not said_partner_id and told and told.affiliation.organisation == "partner":
        return told
    account = told.affiliation.account_id if told and said_org == "customer" else ""
    return _Finding(Affiliation(said_org, said_partner_id, account), 1.0, "the source says so")


def _told(directory: Directory, name: str, email: str, moment: pd.Timestamp) -> _Finding | None:
    """What address and name tell, the surest first."""
    if email and (contact := directory.by_address(email, moment)):
        return _Finding(contact, 0.98, "a contact has this address")
    domain = domain_of(email)
    if domain and (company := directory.by_domain(domain)):
        affiliation, is_stated = company
        if is_stated:
            return _Finding(affiliation, 0.97, f"the domain {domain} is stated")
        return _Finding(affiliation, 0.9, f"known people have the domain {domain}")
    for part in _company_parts(name):
        if named := directory.by_company(part):
            return _Finding(named, 0.9, f"the name says {part}")
    if contact := directory.by_person(name, moment):
        return _Finding(contact, 0.8, "the only contact of this name")
    return None


def _company_parts(name: str) -> list[str]:
    """What may be a company beside a person's name, last first: ``Ann (Brightmere)``, ``Ann | Brightmere``."""
    parts = [part.strip() for part in _COMPANY_MARKS.split(name)]
    return [part for part in reversed(parts) if part and part != name.strip()]


def _framed(listed: pd.DataFrame, found: list[_Finding]) -> pd.DataFrame:
    return listed.assign(
        speaker_org=[one.affiliation.organisation for one in found],
        partner_id=pd.array([one.affiliation.partner_id or None for one in found], dtype="string"),
        account_id=pd.array([one.affiliation.account_id or None for one in found], dtype="string"),
        confidence=pd.array([one.confidence for one in found], dtype="float64"),
        reason=[one.reason for one in found],
    )[list(PEOPLE_COLUMNS)]


def _with_outsiders(everyone: pd.DataFrame, conversations: pd.DataFrame) -> pd.DataFrame:
    """Takes the only domain that is nobody's for the customer's, if the account is known and own people are there."""
    accounts = conversations.drop_duplicates("conversation_id").set_index("conversation_id")["account_id"].dropna()
    account = everyone["conversation_id"].map(accounts)
    is_internal = everyone["speaker_org"] == "internal"
    has_own = is_internal.groupby(everyone["conversation_id"]).transform("any").astype(bool)
    domains = everyone["email"].map(domain_of).map(lambda d: d if isinstance(d, str) and not is_free_mail(d) else None)
    nobodys = domains.where(everyone["speaker_org"] == "unknown")
    n_domains = nobodys.groupby(everyone["conversation_id"]).transform("nunique")
    chosen = nobodys.notna() & account.notna() & has_own & (n_domains == 1)
    out = everyone.copy()
    out.loc[chosen, "speaker_org"] = "customer"
    out.loc[chosen, "account_id"] = account[chosen].astype("string")
    out.loc[chosen, "confidence"] = 0.6
    out.loc[chosen, "reason"] = "the only other company in a conversation with this account"
    return out
