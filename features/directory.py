"""Who is known: people by address and name, companies by e-mail domain and name, from the workspace's tables."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

import pandas as pd

from features.mail_domains import clean_domain, domain_of, is_free_mail, with_parents

__all__ = ["Affiliation", "Directory", "OwnCompany", "fold_company", "fold_person"]

_LEGAL: Final = re.compile(r"\b(inc|incorporated|llc|ltd|limited|gmbh|ag|sa|sas|bv|nv|plc|corp|corporation|co|oy|ab)$")


@dataclass(frozen=True)
class OwnCompany:
    """By what the vendor's own people are known: e-mail ``domains``, and ``names`` such as stand behind a speaker's."""

    domains: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, order=True)
class Affiliation:
    """Whose person somebody is; ``partner_id`` and ``account_id`` are empty where it is not known which."""

    organisation: str
    partner_id: str = ""
    account_id: str = ""


@dataclass(frozen=True)
class _Contact:
    affiliation: Affiliation
    valid_from: pd.Timestamp | None
    valid_to: pd.Timestamp | None

    def holds_at(self, moment: pd.Timestamp) -> bool:
        """Whether it holds at that moment, both ends included."""
        return (self.valid_from is None or self.valid_from <= moment) and (
            self.valid_to is None or moment <= self.valid_to
        )


@dataclass(frozen=True)
class Directory:
    """Look-ups that give the one affiliation that fits, or ``None`` where none or several do."""

    addresses: Mapping[str, tuple[_Contact, ...]]
    people: Mapping[str, tuple[_Contact, ...]]
    stated: Mapping[str, Affiliation]
    learned: Mapping[str, Affiliation]
    companies: Mapping[str, Affiliation] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        partners: pd.DataFrame,
        partner_aliases: pd.DataFrame,
        contacts: pd.DataFrame,
        own: OwnCompany,
        internal_addresses: Iterable[str] = (),
    ) -> Self:
        """Built from whole tables; ``internal_addresses`` are those of speakers whom a source calls internal."""
        addresses, people = _contacts(contacts)
        stated = _stated_domains(partners, own)
        internal = [(address, Affiliation("internal")) for address in internal_addresses]
        known = [(address, c.affiliation) for address, found in addresses.items() for c in found]
        return cls(
            addresses,
            people,
            stated,
            _learned_domains([*known, *internal], stated),
            _companies(partners, partner_aliases, own),
        )

    def by_address(self, address: str, moment: pd.Timestamp) -> Affiliation | None:
        """Of the contact who has this address at that moment."""
        return _only(self.addresses.get(address.strip().lower(), ()), moment)

    def by_person(self, name: str, moment: pd.Timestamp) -> Affiliation | None:
        """Of the contacts of that full name (two words at least) at that moment, when all are of one company."""
        folded = fold_person(name)
        return _only(self.people.get(folded, ()), moment) if " " in folded else None

    def by_domain(self, domain: str) -> tuple[Affiliation, bool] | None:
        """Of a company with this domain or one above it, and whether the domain is stated, not learned from contacts.

        A free-mail domain never decides.
        """
        if is_free_mail(domain):
            return None
        for one in with_parents(domain):
            if one in self.stated:
                return self.stated[one], True
            if one in self.learned:
                return self.learned[one], False
        return None

    def by_company(self, name: str) -> Affiliation | None:
        """Of the partner with this name or alias, or the own company."""
        return self.companies.get(fold_company(name))


def fold_company(name: str) -> str:
    """A company's name for comparison: no capitals, signs, or legal form at its end."""
    words = " ".join(re.findall(r"\w+", name.casefold().replace("&", " and ")))
    return _LEGAL.sub("", words).strip() or words


def fold_person(name: str) -> str:
    """A person's name for comparison: no capitals or signs; ``Brown, Tom`` is ``tom brown``."""
    last, comma, first = name.partition(",")
    return " ".join(re.findall(r"\w+", (f"{first} {last}" if comma and first.strip() else name).casefold()))


def _contacts(contacts: pd.DataFrame) -> tuple[dict[str, tuple[_Contact, ...]], dict[str, tuple[_Contact, ...]]]:
    addresses: dict[str, list[_Contact]] = defaultdict(list)
    people: dict[str, list[_Contact]] = defaultdict(list)
    columns = ["email", "name", "organisation", "partner_id", "account_id", "valid_from", "valid_to"]
    for row in contacts.reindex(columns=columns).itertuples(index=False):
        affiliation = Affiliation(_text(row.organisation), _text(row.partner_id), _text(row.account_id))
        contact = _Contact(affiliation, _moment(row.valid_from), _moment(row.valid_to))
        if address := _text(row.email).strip().lower():
            addresses[address].append(contact)
        if name := fold_person(_text(row.name)):
            people[name].append(contact)
    return {k: tuple(v) for k, v in addresses.items()}, {k: tuple(v) for k, v in people.items()}


def _stated_domains(partners: pd.DataFrame, own: OwnCompany) -> dict[str, Affiliation]:
    """Domains of ``partners`` and of the own company, which comes first; of several partners, it is not known which."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in partners.reindex(columns=["partner_id", "domains"]).itertuples(index=False):
        for text in row.domains if isinstance(row.domains, Iterable) and not isinstance(row.domains, str) else ():
            domain = clean_domain(str(text))
            if domain and not is_free_mail(domain):
                found[domain].add(str(row.partner_id))
    stated = {d: Affiliation("partner", next(iter(ids)) if len(ids) == 1 else "") for d, ids in found.items()}
    internal = {domain for text in own.domains if (domain := clean_domain(text))}
    return stated | {domain: Affiliation("internal") for domain in internal}


def _learned_domains(
    known: Iterable[tuple[str, Affiliation]], stated: Mapping[str, Affiliation]
) -> dict[str, Affiliation]:
    """Domains that people of one company alone have; where they differ only in which account or partner, not which."""
    found: dict[str, set[Affiliation]] = defaultdict(set)
    for address, affiliation in known:
        domain = domain_of(address)
        if domain and domain not in stated and not is_free_mail(domain):
            found[domain].add(affiliation)
    learned = {}
    for domain, affiliations in found.items():
        organisations = {one.organisation for one in affiliations}
        if len(organisations) == 1:
            named = {one for one in affiliations if one.partner_id or one.account_id}
            learned[domain] = named.pop() if len(named) == 1 else Affiliation(organisations.pop())
    return learned


def _companies(partners: pd.DataFrame, partner_aliases: pd.DataFrame, own: OwnCompany) -> dict[str, Affiliation]:
    found: dict[str, set[str]] = defaultdict(set)
    for frame, column in ((partners, "name"), (partner_aliases, "alias")):
        for partner_id, name in frame.reindex(columns=["partner_id", column]).itertuples(index=False, name=None):
            if folded := fold_company(_text(name)):
                found[folded].add(str(partner_id))
    named = {n: Affiliation("partner", next(iter(ids)) if len(ids) == 1 else "") for n, ids in found.items()}
    return named | {fold_company(name): Affiliation("internal") for name in own.names if fold_company(name)}


def _only(contacts: Iterable[_Contact], moment: pd.Timestamp) -> Affiliation | None:
    """The one affiliation that all contacts at that moment share."""
    found = {contact.affiliation for contact in contacts if contact.holds_at(moment)}
    return found.pop() if len(found) == 1 else None


def _text(value: object) -> str:
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]


def _moment(value: object) -> pd.Timestamp | None:
    moment = pd.Timestamp(value)  # type: ignore[arg-type]
    return None if pd.isna(moment) else moment
