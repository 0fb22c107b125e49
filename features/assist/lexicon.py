"""Word lists of the partner links, written by hand."""

from __future__ import annotations

from typing import Final

# fmt: off

PEOPLE: Final = frozenset((
    "people", "team", "teams", "lot", "guys", "guy", "crew", "folks", "folk", "consultants", "consultant",
    "engineers", "engineer", "lads", "lad", "chaps", "chap", "gang", "ladies", "lady", "boys", "girls", "rep",
    "reps", "man", "woman", "men", "women", "fella", "fellas", "fellow", "bunch", "side", "desk", "office",
    "staff",
))
"""Words for people that follow a company's name: "the Kite people"."""

BEFORE_NAME: Final = frozenset((
    "from", "by", "with", "at", "via", "through", "to", "ask", "asked", "asking", "told", "tell", "call",
    "called", "rang", "ring", "thank", "thanks", "and", "or", "did", "does", "has", "had", "have", "when",
    "since", "until", "if", "because", "like", "than", "without", "after", "before", "brought", "involve",
    "involved", "partner", "reseller", "integrator", "distributor", "dealer", "consultant", "advisor", "adviser",
    "agency", "firm", "outfit", "let", "made", "got", "get", "for",
))
"""Words that often stand before a company that acts or is dealt with."""

AFTER_NAME: Final = frozenset((
    "has", "had", "have", "hasn", "hadn", "did", "didn", "does", "doesn", "was", "wasn", "were", "is", "isn",
    "are", "aren", "ve", "d", "ll", "said", "says", "told", "gave", "sent", "ran", "built", "brought", "will",
    "would", "can", "could", "couldn", "never", "came", "got", "wrote", "took", "made", "rang", "called", "put",
    "found", "showed", "promised", "offered", "introduced", "helped", "knows", "know", "do", "wants", "want",
    "already", "just",
))
"""Verbs, and the ends of shortened ones, that follow one who acts."""

ARTICLES: Final = frozenset((
    "a", "an", "the", "this", "that", "these", "those", "your", "our", "my", "his", "her", "its", "their", "no",
    "any", "every", "each", "some",
))
"""Words after which a name that is also a common word is the common word."""

LEGAL_FORMS: Final = frozenset((
    "ltd", "limited", "gmbh", "inc", "incorporated", "corp", "corporation", "llc", "llp", "plc", "ag", "kg",
    "kgaa", "sa", "sas", "sarl", "srl", "spa", "bv", "nv", "ab", "as", "oy", "oyj", "aps", "pty", "pte", "co",
    "company", "sl", "lda", "ltda", "eurl", "kft", "doo", "sro", "zrt", "ooo", "pvt",
))
"""Legal forms, which may be left out of a name."""

TRADES: Final = frozenset((
    "advisory", "advisors", "advisers", "advice", "agency", "agritech", "analytics", "associates", "automation",
    "brokers", "cloud", "communications", "consult", "consultancy", "consulting", "cyber", "data", "delivery",
    "digital", "distribution", "exchange", "group", "holding", "holdings", "infosystems", "integration",
    "international", "it", "learning", "logistics", "managed", "marketplace", "networks", "partners", "security",
    "services", "software", "solutions", "systems", "tech", "technologies", "technology", "telecom", "ventures",
))
"""Words that many companies' names end in: without them, a name is still the company's."""

FIRST_PERSON: Final = frozenset((
    "we", "us", "our", "ours", "ourselves", "i", "me", "my", "mine", "myself",
))
"""The speaker and his house."""

THEY: Final = frozenset((
    "they", "them", "their", "theirs", "themselves",
))
"""Pronouns for a company or several people."""

HE_OR_SHE: Final = frozenset((
    "he", "him", "his", "she", "her", "hers", "himself", "herself",
))
"""Pronouns for one person."""

YOU: Final = frozenset((
    "you", "your", "yours", "ye",
))
"""Pronouns for who is spoken to."""

GROUPS: Final = frozenset((
    "guys", "lot", "lads", "crew", "folks", "chaps", "gang", "fellas", "boys", "girls", "ladies", "bunch",
    "people", "ones",
))
"""Groups of people that "those" and "these" point at."""

SAID_BEFORE: Final = frozenset((
    "the", "your", "our", "that", "this", "those", "these",
))
"""Words that open a phrase for somebody who is known."""

ANY: Final = frozenset((
    "a", "an", "another", "some", "any", "no", "one", "two", "three", "several", "many", "various", "other",
    "each", "every",
))
"""Words that open a phrase for anybody."""

NOT_BUSINESS: Final = frozenset((
    "my", "equity", "life", "dance", "business", "law", "senior", "managing", "litigation", "sleeping", "her",
    "his", "share",
))
"""Words that make a partner another sort of partner: in life, in a law firm."""

RIVAL_WORDS: Final = frozenset((
    "competitor", "competitors", "competition", "rival", "rivals", "incumbent", "incumbents", "opponent",
    "opponents",
))
"""Words for a competitor."""

OTHERS: Final = frozenset((
    "side", "bidder", "bidders", "vendor", "vendors", "lot", "party", "supplier", "guys", "fellas", "people",
    "camp", "team", "offer", "tender", "company", "firm", "seller", "software", "product", "system", "provider",
))
"""Words that with "the other" mean a competitor."""

ORDINARY_CAPITALS: Final = frozenset((
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february", "march",
    "april", "may", "june", "july", "august", "september", "october", "november", "december", "christmas",
    "easter", "english", "german", "french", "spanish", "dutch", "italian", "polish", "czech", "danish",
    "swedish", "norwegian", "finnish", "portuguese", "greek", "turkish", "chinese", "japanese", "indian",
    "european", "american", "british", "excel", "word", "outlook", "windows", "linux", "google", "microsoft",
    "wednesdays", "thursdays", "madam", "sir", "dear", "regards", "hello",
    "company", "chair", "chairman", "board", "welsh", "scottish", "irish", "danes", "finns", "hmm", "thanksgiving",
))
"""Words with a capital that name no one."""

TITLES: Final = frozenset((
    "mr", "mrs", "ms", "dr", "herr", "frau", "monsieur", "madame", "sir", "prof", "senor", "senhor", "don",
))
"""Titles, which a person's name follows."""

BEFORE_RIVAL: Final = frozenset((
    "competitor", "rival", "incumbent", "competitors", "rivals", "against", "versus", "vs", "beat",
))
"""Words that a competitor's name follows."""

COMPANIES: Final = frozenset((
    "integrator", "integrators", "reseller", "resellers", "dealer", "dealers", "distributor", "distributors",
    "wholesaler", "partner", "partners", "marketplace", "retailer", "agency", "firm",
))
"""Nouns that after "their" mean another company than theirs."""

PHRASE_ENDS: Final = frozenset((
    "of", "for", "with", "by", "to", "in", "on", "and", "or", "from", "at", "as", "that", "who", "is", "was", "are",
))
"""Words that no noun phrase goes over."""

BUSINESS_ACRONYMS: Final = frozenset((
    "rd", "lp", "bv", "hr", "it", "pr", "qa", "pm", "pc", "ip", "ir", "ar", "fo", "bo", "cc", "po", "pa", "jv", "vp",
    "fd", "md", "ae", "se", "sa", "ny", "la", "uk", "us", "eu", "un", "ai", "ml", "bi", "ma", "pl", "qbr", "kpi", "roi",
    "crm", "erp", "sla", "nda", "poc", "rfp", "rfi", "rfq", "ceo", "cfo", "cio", "cto", "coo", "cmo", "cso", "msa",
    "sow", "saas", "api", "sso", "tco", "arr", "mrr", "fyi", "eta", "eod", "tbc", "tbd", "faq", "gdpr", "mfg", "etc",
))
"""Acronyms that everybody uses, which name a partner only where it is named otherwise as well."""

ASKING: Final = frozenset(("who", "whose", "which", "whom"))
"""Words that ask which partner was meant."""

# fmt: on
