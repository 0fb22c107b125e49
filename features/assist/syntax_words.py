"""Closed lists of English words by which actors and acts are told apart."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ACTORS = {
    "PARTNER": "PARTNER",
    "OTHER_PARTNER": "OTHER_PARTNER",
    "RIVAL": "RIVAL",
    "CUSTOMER": "CUSTOMER",
    "VENDOR": "WE",
    "NAME": "NAME",
}
FIRST_PERSON = _words("i we us me my our ours mine myself ourselves im ive")
SECOND_PERSON = _words("you your yours yourself yourselves ya")
THIRD_PERSON = _words("they them their theirs themselves he him his himself she her hers herself those these em 'em")
THING = _words("it this that its itself which what something everything anything")
NOBODY = _words("nobody none no-one noone neither nothing")
SOMEBODY = _words("somebody someone anybody anyone everybody everyone one others")
RELATIVE = _words("who whom whose which that")

PARTNER_NOUNS = _words(
    "partner integrator reseller distributor dealer consultant consultancy contractor subcontractor agency advisor "
    "adviser broker installer implementer implementor msp si var isv oem hyperscaler marketplace franchisee agent "
    "channel alliance ally wholesaler franchise intermediary referrer auditor consortium"
)
CUSTOMER_NOUNS = _words("customer client buyer prospect account user consumer")
RIVAL_NOUNS = _words("competitor rival incumbent competition")
PEOPLE_NOUNS = _words(
    "team people guy folk engineer lot crew rep manager staff man woman person colleague director specialist architect "
    "trainer developer analyst lead head owner founder ceo cto cfo cio boss partner salesman salesperson technician "
    "desk office side group company firm business house outfit bunch fellow chap lady contact member expert officer "
    "lawyer accountant president chief executive vp"
)

NEGATIONS = _words("not n't n’t nt never no neither nor hardly barely scarcely nobody none nothing")
CONDITIONS = _words("if unless whether until once assuming provided suppose supposing lest")
INSTEAD = _words("instead rather though however except although while whereas")
MODALS = {
    "will": "will",
    "'ll": "will",
    "’ll": "will",
    "ll": "will",
    "wo": "will",
    "shall": "will",
    "would": "would",
    "'d": "would",
    "’d": "would",
    "could": "could",
    "can": "can",
    "ca": "can",
    "should": "should",
    "ought": "should",
    "might": "might",
    "may": "might",
    "must": "should",
}
PLANNING = _words(
    "offer want plan hope promise agree ask suggest propose try expect need mean suppose intend consider like wish "
    "volunteer commit schedule invite aim think threaten prepare request recommend urge remind want aspire seek "
    "ready happy willing keen able available likely due glad set about prepared reluctant interested"
)
INTENDING = _words("offer promise propose plan hope want wish intend volunteer expect aim need like schedule")
FAILING = _words(
    "fail forget refuse decline stop cancel neglect omit lack unable late reluctant impossible avoid prevent"
)
REPORTING = _words(
    "say tell report hear know confirm mention note write show see understand find remember read learn notice "
    "explain admit agree announce"
)
HEDGING = _words("think believe guess suppose assume wonder doubt hope wish suspect expect imagine claim")
LIGHT_VERBS = _words("do make give take have get put hold run provide deliver carry bring offer play be")
HELP_NOUNS = _words("help assistance support thanks courtesy behalf guidance input thank effort work")
PEOPLE_VERBS = _words(
    "help train introduce tell ask show support assist coach teach advise warn connect put bring get enable invite "
    "convince persuade talk refer send point push win save"
)

AGENT_CASES = {
    "by": "by",
    "through": "through",
    "thru": "through",
    "via": "through",
    "with": "with",
    "from": "from",
    "without": "without",
    "instead": "without",
    "alongside": "with",
    "thanks": "thanks",
    "because": "thanks",
    "due": "thanks",
    "courtesy": "thanks",
    "between": "with",
}
TARGET_CASES = {
    "to": "to",
    "for": "for",
    "at": "at",
    "of": "of",
    "on": "on",
    "in": "in",
    "into": "to",
    "against": "against",
}
