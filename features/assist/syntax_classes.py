"""Acts in classes: verbs and act nouns that tell of the same kind of help, harm or talk."""

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "intend": "offer promise propose plan hope want wish intend volunteer expect aim need try due ask meant ready",
    "find": (
        "spot identify discover uncover surface source find out notice detect lead tip tip-off referral refer "
        "mention register registration opportunity prospect pass on hand forward flag hint"
    ),
    "introduce": (
        "introduce introduction intro connect connection broker arrange open door access reach meeting dinner "
        "lunch put touch get sit join invite copy email ring vouch call phone contact"
    ),
    "plan": (
        "case business-case roi payback strategy reframe shape frame workshop analysis analyse analyze calculate "
        "calculation model modelling spreadsheet justify justification savings baseline estimate draft"
    ),
    "prove": (
        "demo demonstrate demonstration pilot poc proof prove test trial sandbox benchmark size sizing validate "
        "validation review assessment assess audit rehearse prototype simulate simulation verify"
    ),
    "advise": (
        "recommend recommendation advise advice shortlist compare comparison score scoring specify requirement rfp "
        "tender evaluate evaluation select selection choose steer favour prefer suggest requirements criterion"
    ),
    "vouch": (
        "reference vouch endorse endorsement testimonial praise case-study site-visit visit guarantee word trust "
        "reassure swear referee credibility"
    ),
    "price": (
        "quote price pricing discount bid approval configure configuration rebate list-price offer reprice tariff "
        "margin special invoice"
    ),
    "transact": (
        "sign contract order purchase buy procure procurement framework paper paperwork finance financing lease "
        "marketplace listing legal redline redlines clause terms agreement process place credit resell bill"
    ),
    "supply": (
        "connector accelerator template module plugin plug-in adapter adaptor library dataset data pack bundle "
        "dashboard content device licence license component tool toolkit api embed code own ip kit add-on"
    ),
    "install": (
        "implement implementation deploy deployment install installation migrate migration integrate integration "
        "configure customise customize wire move roll out rollout cut over cutover cut-over go-live build set up "
        "connect map mapping load import convert upgrade stand switch wiring transition"
    ),
    "run": (
        "run operate operation manage support monitor monitoring patch fix restart resolve resolution ticket "
        "maintain maintenance helpdesk watch repair troubleshoot host incident outage close handle staff restore"
    ),
    "train": (
        "train training teach coach coaching onboard onboarding workshop session course adoption enable enablement "
        "certify explain educate instruct champion upsell cross-sell renew renewal expand expansion usage"
    ),
    "save": (
        "warn warning alert rescue save calm escalate escalation defuse reassure smooth talk round retain keep "
        "prevent heads-up unblock mediate persuade convince"
    ),
    "measure": (
        "measure measurement track tracking report figure scorecard benefit number result outcome metric audit "
        "count quantify document show evidence survey kpi"
    ),
    "harm": (
        "delay lose loss break crash botch undercut confuse block stall poach compete contradict leak mess ruin "
        "kill damage complain complaint blame miss overcharge mislead undermine mistake error fault problem "
        "conflict wrong cost slip fumble wreck spoil upset annoy badmouth steal hurt dispute hold up slow delete"
    ),
    "fail": (
        "fail cancel postpone forget drop withdraw decline refuse skip pull out back no-show ghost vanish promise "
        "disappear wait bail"
    ),
    "give": "give pay fund sponsor share send lend grant donate hand over provide supply deliver bring contribute",
    "say": (
        "say tell write ask talk speak discuss hear know think believe reckon guess see read remember understand "
        "mean feel wonder explain present presentation attend listen meet"
    ),
    "have": "have be exist belong work sell offer serve cover sponsor partner stand sit know like love",
    "win": "win land close deal secure award beat clinch",
    "help": "help assist assistance aid contribute cooperate collaborate collaboration partnership co-develop effort",
}


def _by_word() -> Mapping[str, str]:
    """Word → class; a word in several classes belongs to the first."""
    table: dict[str, str] = {}
    for name, words in WORDS.items():
        for word in words.split():
            table.setdefault(word, name)
    return table


CLASS_OF = _by_word()


def act_class(act: str) -> str:
    """The class of an act's base form, that of its verb for one with a particle; ``other`` for unlisted ones."""
    return CLASS_OF.get(act) or CLASS_OF.get(act.split(" ")[0], "other") if act else "none"
