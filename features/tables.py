"""The product's tables, declared once: columns, types, units, keys, vocabularies and rules.

Everything that needs to know a table reads it here: the checks at ingest, the typed reading of a workspace, the
data dictionary page. The declaration is our own rather than a validation library's because one declaration has to
serve three readers: a SQL query that marks every bad row of a file larger than memory with its first reason, an
Arrow schema, and a documentation page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import pyarrow as pa

DIRECT: Final = "__direct__"
"""The player that stands for the vendor's own team in every credit table."""

NO_CURRENCY: Final = "XXX"
"""ISO 4217's code for no currency: that of amounts whose deals name none."""

EXTRA_PREFIX: Final = "x_"
"""Columns of ``deals`` with this prefix are the user's own covariates."""


class Kind(StrEnum):
    """What a column holds; decides its Arrow type and how text is read into it."""

    ID = "id"
    TEXT = "text"
    CATEGORY = "category"
    TIMESTAMP = "timestamp"
    MONEY = "money"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    LIST = "list"


ARROW_TYPES: Final[dict[Kind, pa.DataType]] = {
    Kind.ID: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.CATEGORY: pa.string(),
    Kind.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    Kind.MONEY: pa.float64(),
    Kind.NUMBER: pa.float64(),
    Kind.INTEGER: pa.int64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.LIST: pa.list_(pa.string()),
}

SQL_TYPES: Final[dict[Kind, str]] = {
    Kind.ID: "VARCHAR",
    Kind.TEXT: "VARCHAR",
    Kind.CATEGORY: "VARCHAR",
    Kind.TIMESTAMP: "TIMESTAMPTZ",
    Kind.MONEY: "DOUBLE",
    Kind.NUMBER: "DOUBLE",
    Kind.INTEGER: "BIGINT",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.LIST: "VARCHAR[]",
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    ``minimum`` and ``maximum`` are inclusive. ``references`` names the ``table.column`` whose value it must repeat.
    """

    name: str
    kind: Kind
    meaning: str
    nullable: bool = False
    unit: str = ""
    vocabulary: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    references: str | None = None


@dataclass(frozen=True)
class Rule:
    """A condition over one row, in SQL, that must not be false, and the reason given when it is."""

    condition: str
    reason: str


@dataclass(frozen=True)
class Table:
    """One table: what a row is, its columns in order, those that identify a row (empty: none do) and its rules."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = field(default=())
    allows_extra: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the declared columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The declared column of that name; raises ``KeyError`` for another name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"Table {self.name} has no column {name!r}; it has {', '.join(self.column_names)}.")

    def arrow_schema(self) -> pa.Schema:
        """Arrow schema of the declared columns, nullability included."""
        return pa.schema([pa.field(c.name, ARROW_TYPES[c.kind], nullable=c.nullable) for c in self.columns])


DEAL_TYPES: Final = ("new", "expansion", "renewal")
ROUTES: Final = ("direct", "resale", "marketplace", "referral", "co_sell", "delivery")
OUTCOMES: Final = ("won", "lost", "open")
PARTNER_TYPES: Final = ("si", "isv", "reseller", "msp", "hyperscaler", "distributor", "advisor", "referral", "other")
ORGANISATIONS: Final = ("internal", "customer", "partner")
SPEAKER_ORGANISATIONS: Final = ("internal", "customer", "partner", "unknown")
JOURNEY_STAGES: Final = ("pre_sale", "point_of_sale", "post_sale")
CHANNELS: Final = ("call", "email", "chat", "notes")
DIRECTIONS: Final = ("from_partner", "to_partner")
BEARERS: Final = ("vendor", "partner")
CURRENCY: Final = "ISO 4217"
METHODS: Final = (
    "model",
    "shap",
    "first_touch",
    "last_touch",
    "linear",
    "time_decay",
    "u_shape",
    "w_shape",
    "full_path",
    "markov",
    "shapley_paths",
    "library",
    "materiality",
    "verified",
    "adjusted",
)


def _id(name: str, meaning: str, *, nullable: bool = False, references: str | None = None) -> Column:
    return Column(name, Kind.ID, meaning, nullable=nullable, references=references)


def _text(name: str, meaning: str, *, nullable: bool = True) -> Column:
    return Column(name, Kind.TEXT, meaning, nullable=nullable)


def _category(name: str, meaning: str, vocabulary: tuple[str, ...] = (), *, nullable: bool = True) -> Column:
    return Column(name, Kind.CATEGORY, meaning, nullable=nullable, vocabulary=vocabulary)


def _at(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, Kind.TIMESTAMP, meaning, nullable=nullable, unit="UTC")


def _number(
    name: str,
    meaning: str,
    unit: str,
    *,
    nullable: bool = True,
    minimum: float | None = None,
    maximum: float | None = None,
) -> Column:
    return Column(name, Kind.NUMBER, meaning, nullable=nullable, unit=unit, minimum=minimum, maximum=maximum)


def _money(name: str, meaning: str, *, nullable: bool = True, minimum: float | None = None) -> Column:
    return Column(name, Kind.MONEY, meaning, nullable=nullable, unit="deal currency", minimum=minimum)


def _currency(*, nullable: bool) -> Column:
    return Column("currency", Kind.CATEGORY, "Currency code of the amount.", nullable=nullable, unit=CURRENCY)


def _named(column: str) -> Rule:
    reason = f"{column} is reserved for the vendor's own team, for whom it stays empty: '{DIRECT}'"
    return Rule(f"{column} <> '{DIRECT}'", reason)


DEALS: Final = Table(
    "deals",
    "One row per sales opportunity.",
    (
        _id("deal_id", "Identifies the deal."),
        _id("account_id", "The customer account; deals of one account are never split between training and test."),
        _text("name", "The deal's name in the CRM."),
        _id("owner_id", "The rep who owns the deal.", nullable=True),
        _category("segment", "Customer segment, e.g. enterprise or mid-market."),
        _category("industry", "Customer industry."),
        _category("region", "Sales region."),
        _category("deal_type", "New business, expansion or renewal.", DEAL_TYPES, nullable=False),
        _category("source", "Where the deal came from, as the CRM says."),
        _category("solution", "What is sold."),
        _category("route", "Route to market.", ROUTES),
        _money("amount", "Value of the deal.", minimum=0.0),
        _currency(nullable=True),
        _number(
            "fx_rate", "Report-currency units per unit of the deal's currency, on the close date.", "rate", minimum=0.0
        ),
        _at("created_at", "When the deal was opened."),
        _at("closed_at", "When the deal was won or lost.", nullable=True),
        _category("outcome", "Won, lost or still open.", OUTCOMES, nullable=False),
        _category("stage", "Sales stage now, or at close."),
        _id("parent_deal_id", "The deal that this one belongs to or renews.", nullable=True),
    ),
    key=("deal_id",),
    rules=(
        Rule("closed_at >= created_at", "closed_at lies before created_at"),
        Rule("outcome = 'open' OR closed_at IS NOT NULL", "a won or lost deal needs closed_at"),
    ),
    allows_extra=True,
)

STAGE_HISTORY: Final = Table(
    "stage_history",
    "One row per sales stage that a deal entered.",
    (
        _id("deal_id", "The deal.", references="deals.deal_id"),
        _category("stage", "The stage entered.", nullable=False),
        _at("entered_at", "When the deal entered the stage."),
    ),
    key=("deal_id", "stage", "entered_at"),
)

PARTNERS: Final = Table(
    "partners",
    "One row per partner company.",
    (
        _id("partner_id", "Identifies the partner."),
        _text("name", "The partner's name.", nullable=False),
        _category("partner_type", "What kind of partner it is.", PARTNER_TYPES, nullable=False),
        _category("tier", "Programme tier, e.g. gold."),
        _category("segment", "Partner segment."),
        _category("intent", "What the partner is recruited for, e.g. resale or co-sell."),
        _id("parent_id", "The partner that owns this one.", nullable=True),
        _at("joined_at", "When the partner joined the programme.", nullable=True),
        Column("domains", Kind.LIST, "E-mail domains of the partner's people.", nullable=True),
    ),
    key=("partner_id",),
    rules=(_named("partner_id"), _named("parent_id")),
)

PARTNER_ALIASES: Final = Table(
    "partner_aliases",
    "One row per further name under which a partner is known.",
    (
        _id("partner_id", "The partner.", references="partners.partner_id"),
        _text("alias", "Another name, abbreviation or spelling.", nullable=False),
    ),
    key=("partner_id", "alias"),
    rules=(_named("partner_id"),),
)

CONTACTS: Final = Table(
    "contacts",
    "One row per person and period at an organisation.",
    (
        _id("contact_id", "Identifies the person."),
        _text("name", "The person's name."),
        _text("email", "The person's e-mail address."),
        _category("organisation", "Whose person it is.", ORGANISATIONS, nullable=False),
        _id("partner_id", "The partner that employs the person.", nullable=True),
        _id("account_id", "The customer account that employs the person.", nullable=True),
        _category("function", "Job function, e.g. it or finance."),
        _at("valid_from", "First moment at which this holds.", nullable=True),
        _at("valid_to", "Last moment at which this holds.", nullable=True),
    ),
    key=("contact_id", "valid_from"),
    rules=(Rule("valid_to >= valid_from", "valid_to lies before valid_from"), _named("partner_id")),
)

TOUCHPOINTS: Final = Table(
    "touchpoints",
    "One row per thing that a partner or the vendor's own team did on a deal.",
    (
        _id("touchpoint_id", "Identifies the touchpoint."),
        _id("deal_id", "The deal.", references="deals.deal_id"),
        _id("partner_id", "The partner that acted; empty for the vendor's own team.", nullable=True),
        _id("contact_id", "The person who acted or was met.", nullable=True),
        _category("kind", "What was done, e.g. meeting, demo or introduction.", nullable=False),
        _category("journey_stage", "Where in the customer's journey.", JOURNEY_STAGES),
        _category("motion", "Partner motion, e.g. co-sell or resale."),
        _at("occurred_at", "When it happened."),
        _at("recorded_at", "When it was entered into the system.", nullable=True),
        _id("recorded_by", "Who entered it.", nullable=True),
        _category("source_system", "The system it was exported from."),
        _id("conversation_id", "The conversation it is proved by.", nullable=True),
        _number("minutes", "How long it took.", "minutes", minimum=0.0),
    ),
    key=("touchpoint_id",),
    rules=(_named("partner_id"),),
)

CONVERSATIONS: Final = Table(
    "conversations",
    "One row per call, e-mail thread, chat or note.",
    (
        _id("conversation_id", "Identifies the conversation."),
        _id("account_id", "The customer account.", nullable=True),
        _id("deal_id", "The deal, when known.", nullable=True),
        _category("channel", "Medium.", CHANNELS, nullable=False),
        _at("started_at", "When it began."),
        _category("source_system", "The system it was exported from."),
        _text("url", "Link to the recording or message."),
        _category("consent", "Consent to recording, as the source says."),
        _at("delete_after", "When it must be deleted.", nullable=True),
    ),
    key=("conversation_id",),
)

UTTERANCES: Final = Table(
    "utterances",
    "One row per turn of a conversation.",
    (
        _id("utterance_id", "Identifies the utterance."),
        _id("conversation_id", "The conversation.", references="conversations.conversation_id"),
        Column("seq", Kind.INTEGER, "Position in the conversation, ascending.", unit="count", minimum=0),
        _number("start_s", "Start of the turn.", "seconds into the call", minimum=0.0),
        _number("end_s", "End of the turn.", "seconds into the call", minimum=0.0),
        _text("speaker", "Who speaks or writes."),
        _text("speaker_email", "The speaker's e-mail address."),
        _category("speaker_org", "Whose person speaks.", SPEAKER_ORGANISATIONS, nullable=False),
        _id("partner_id", "The partner that employs the speaker.", nullable=True),
        Column("is_quoted", Kind.BOOLEAN, "Whether the text quotes an earlier message.", nullable=True),
        _text("text", "The words.", nullable=False),
    ),
    key=("utterance_id",),
    rules=(Rule("end_s >= start_s", "end_s lies before start_s"), _named("partner_id")),
)

PARTICIPANTS: Final = Table(
    "participants",
    "One row per person who took part in a conversation, whether or not they spoke.",
    (
        _id("conversation_id", "The conversation.", references="conversations.conversation_id"),
        _text("name", "The person's name."),
        _text("email", "The person's e-mail address."),
        _category("role", "As what, e.g. attendee, sender or recipient."),
        _category("organisation", "Whose person it is, as the source says.", SPEAKER_ORGANISATIONS),
    ),
    key=("conversation_id", "name", "email", "role"),
    rules=(Rule("name IS NOT NULL OR email IS NOT NULL", "a participant needs a name or an e-mail address"),),
)

OUTCOMES_TABLE: Final = Table(
    "outcomes",
    "One row per measured result after the sale.",
    (
        _id("account_id", "The customer account."),
        _id("deal_id", "The deal, when it is about one.", nullable=True),
        _id("partner_id", "The partner, when it is about one.", nullable=True),
        _category("respondent_group", "Who answered, for surveys."),
        _category("metric", "What was measured, e.g. churned, renewed, expansion_amount, csat, nps.", nullable=False),
        _number("value", "The measured value.", "of the metric", nullable=False),
        _at("observed_at", "When it was measured."),
    ),
    key=("account_id", "deal_id", "partner_id", "respondent_group", "metric", "observed_at"),
    rules=(_named("partner_id"),),
)

INTEGRATIONS: Final = Table(
    "integrations",
    "One row per partner product installed at an account.",
    (
        _id("account_id", "The customer account."),
        _id("partner_id", "The partner whose product it is."),
        _at("installed_at", "When it was installed."),
        _at("removed_at", "When it was removed.", nullable=True),
    ),
    key=("account_id", "partner_id", "installed_at"),
    rules=(Rule("removed_at >= installed_at", "removed_at lies before installed_at"), _named("partner_id")),
)

LEADS: Final = Table(
    "leads",
    "One row per lead that passed between the vendor and a partner.",
    (
        _id("lead_id", "Identifies the lead."),
        _category("direction", "Who gave it to whom.", DIRECTIONS, nullable=False),
        _id("partner_id", "The partner."),
        _id("account_id", "The customer account.", nullable=True),
        _id("deal_id", "The deal it became.", nullable=True),
        _category("campaign", "The campaign it came from."),
        _at("given_at", "When it was passed on."),
        _at("accepted_at", "When it was accepted.", nullable=True),
        _at("registered_at", "When the deal was registered.", nullable=True),
        _at("expires_at", "When the registration ends.", nullable=True),
    ),
    key=("lead_id",),
    rules=(_named("partner_id"),),
)

QUOTES: Final = Table(
    "quotes",
    "One row per price request on a deal.",
    (
        _id("deal_id", "The deal.", references="deals.deal_id"),
        _id("partner_id", "The partner that quotes; empty for the vendor.", nullable=True),
        _at("requested_at", "When the price was asked for."),
        _at("sent_at", "When the quote was sent.", nullable=True),
        _at("approved_at", "When it was approved.", nullable=True),
    ),
    key=("deal_id", "partner_id", "requested_at"),
    rules=(_named("partner_id"),),
)

COSTS: Final = Table(
    "costs",
    "One row per cost line of working with a partner; two equal lines are two costs.",
    (
        _id("partner_id", "The partner."),
        _category("kind", "What for, e.g. program, funds, margin, discount, people.", nullable=False),
        _money("amount", "How much; a refund is negative.", nullable=False),
        _currency(nullable=False),
        _at("incurred_at", "When it was incurred."),
        _id("deal_id", "The deal it was for.", nullable=True),
        _category("borne_by", "Who pays.", BEARERS, nullable=False),
    ),
    rules=(_named("partner_id"),),
)

_MOMENT_COLUMNS: Final = (
    _id("moment_id", "Identifies the moment."),
    _id("conversation_id", "The conversation."),
    _id("deal_id", "The deal.", nullable=True),
    _id("partner_id", "The partner; empty when it is a partner, but which is not known.", nullable=True),
    _category("assist_type", "Id of the assist type or non-assist class.", nullable=False),
    _category("journey_stage", "Stage of the deal on that date.", JOURNEY_STAGES, nullable=False),
    _number("start_s", "Start.", "seconds into the call"),
    _number("end_s", "End.", "seconds into the call"),
    Column("utterance_ids", Kind.LIST, "The utterances that hold the evidence."),
    _text("quote", "The evidence, exactly as in the source.", nullable=False),
    Column("char_start", Kind.INTEGER, "First character of the evidence in its first utterance.", unit="characters"),
    Column("char_end", Kind.INTEGER, "One past its last character.", unit="characters"),
    _text("magnitude", "Number and unit that the words state."),
    _number(
        "confidence",
        "Calibrated probability that it is an assist.",
        "probability",
        nullable=False,
        minimum=0,
        maximum=1,
    ),
    _number("type_confidence", "Probability of the type.", "probability", nullable=False, minimum=0, maximum=1),
    _text("model_version", "The model that found it.", nullable=False),
    _at("detected_at", "When it was found."),
)

MOMENTS: Final = Table("moments", "One row per moment in which a partner helped.", _MOMENT_COLUMNS, key=("moment_id",))
SIGNALS: Final = Table(
    "signals",
    "One row per partner moment that is not an assist, e.g. planned, denied or harmful.",
    _MOMENT_COLUMNS,
    ("moment_id",),
)
JUDGED_MOMENTS: Final = Table(
    "judged_moments",
    "One row per moment as people left it, where that is other than what the model finds now: added, split off, its "
    "words corrected (the row takes the place of the found one with its id), or judged and found no more.",
    _MOMENT_COLUMNS,
    ("moment_id",),
)
MOMENT_CUES: Final = Table(
    "moment_cues",
    "One row per reason why the model flagged a moment or signal as what it is.",
    (
        _id("moment_id", "The moment or signal."),
        Column("place", Kind.INTEGER, "Its place among the moment's reasons, from 1.", unit="count", minimum=1),
        _id("conversation_id", "The conversation."),
        _category(
            "kind",
            "How the partner is known, words of the talk (names by role), or who did what in a clause.",
            ("partner", "words", "clause"),
            nullable=False,
        ),
        _text("cue", "The reason.", nullable=False),
        _number("weight", "How much it speaks for the class; null of how the partner is known.", "log-odds"),
    ),
    key=("moment_id", "place"),
)

REVIEWS: Final = Table(
    "reviews",
    "One row per human judgement of a moment.",
    (
        _id("review_id", "Identifies the judgement."),
        _id("moment_id", "The moment."),
        _id("reviewer", "Who judged."),
        _category("role", "In which role.", ("reviewer", "rep", "admin"), nullable=False),
        _category(
            "verdict",
            "The judgement.",
            ("confirmed", "rejected", "partly", "not_mine", "relabelled", "unsure"),
            nullable=False,
        ),
        _category("assist_type", "The corrected type."),
        _id("partner_id", "The corrected partner.", nullable=True),
        Column("utterance_ids", Kind.LIST, "The corrected span.", nullable=True),
        _text("note", "The reviewer's words."),
        _text("model_version", "The model that had flagged it.", nullable=False),
        _at("reviewed_at", "When."),
    ),
    key=("review_id",),
)

CONVERSATION_LINKS: Final = Table(
    "conversation_links",
    "One row per conversation: the deal it was found to be about, as of the last detect.",
    (
        _id("conversation_id", "The conversation."),
        _id("account_id", "The customer account, from the source or from who took part.", nullable=True),
        _id("deal_id", "The deal; empty where none is sure enough.", nullable=True),
        _number(
            "confidence",
            "How sure the best guess is, by judgement; 1 where the source names the deal.",
            "fraction",
            nullable=False,
            minimum=0,
            maximum=1,
        ),
        _text("reason", "What the account and the deal were found by.", nullable=False),
    ),
    key=("conversation_id",),
)

DELETIONS: Final = Table(
    "deletions",
    "One row per conversation that was deleted with all that derived from it; it is never read in again.",
    (
        _id("conversation_id", "The conversation that is gone."),
        _category("status", "What evidence that rested on it says.", ("source deleted",), nullable=False),
        _category("reason", "Why it was deleted.", ("requested", "due"), nullable=False),
        _text("content_hash", "SHA-256 of its row and utterances, by which a copy is known.", nullable=False),
        Column("utterances", Kind.INTEGER, "Utterances deleted.", unit="count", minimum=0),
        Column("moments", Kind.INTEGER, "Moments deleted.", unit="count", minimum=0),
        Column("signals", Kind.INTEGER, "Signals deleted.", unit="count", minimum=0),
        _at("deleted_at", "When."),
    ),
    key=("conversation_id",),
)

CREDITS: Final = Table(
    "credits",
    "One row per deal, player, method, target and kind: how much of the deal is that player's.",
    (
        _id("run_id", "The scoring run."),
        _id("deal_id", "The deal."),
        _id("partner_id", f"The player; {DIRECT} is the vendor's own team."),
        _category("method", "How the credit was computed.", METHODS, nullable=False),
        _category("target", "What is divided: win (probability) or amount (money).", nullable=False),
        _category("kind", "split adds up to the deal's total; overlay need not.", ("split", "overlay"), nullable=False),
        _number("credit", "The player's part; may be negative.", "probability, or deal currency", nullable=False),
        _number("share", "credit divided by the deal's total.", "fraction of the deal", nullable=False),
        _number("credit_lo", "Lower end of the 95 % interval; null if unknown.", "as credit"),
        _number("credit_hi", "Upper end of the same.", "as credit"),
        _id("rule_id", "The rule of a configured method, or what a deal's division rested on.", nullable=True),
        _category("evidence_grade", "How well the claim is evidenced, A to D."),
        _text("model_version", "The model, or the rule's version.", nullable=False),
        _at("scored_at", "When."),
    ),
    key=("deal_id", "partner_id", "method", "target", "kind", "rule_id"),
)

PARTNER_EFFECTS: Final = Table(
    "partner_effects",
    "One row per partner and estimated quantity.",
    (
        _id("run_id", "The scoring run."),
        _id("partner_id", "The partner."),
        _category("method", "How it was computed.", METHODS, nullable=False),
        _category("target", "What it is about: win or amount.", nullable=False),
        _category("quantity", "What was estimated, e.g. removal_effect or total_credit.", nullable=False),
        _number("value", "The estimate.", "of the quantity", nullable=False),
        _number("lo", "Lower end of the 95 % interval; null if unknown.", "of the quantity"),
        _number("hi", "Upper end of the same.", "of the quantity"),
        Column("n", Kind.INTEGER, "Deals it rests on.", unit="deals"),
    ),
    key=("partner_id", "method", "target", "quantity"),
)

PARTNER_SCORES: Final = Table(
    "partner_scores",
    "One row per partner, period, method and currency: the credits of the deals closed in that period, added up.",
    (
        _id("run_id", "The scoring run."),
        _id("partner_id", f"The player; {DIRECT} is the vendor's own team."),
        _category("period", "Period of the close date, e.g. 2025-Q1.", nullable=False),
        _category("method", "How the credit was computed.", METHODS, nullable=False),
        Column("deals_touched", Kind.INTEGER, "Closed deals with the player.", unit="deals", minimum=0),
        Column("deals_won", Kind.INTEGER, "Won ones among them.", unit="deals", minimum=0),
        _number("credited_wins", "Sum of the player's shares of won deals.", "wins", nullable=False),
        _number("credited_wins_lo", "Lower end of the 95 % interval; null if unknown.", "wins"),
        _number("credited_wins_hi", "Upper end of the same.", "wins"),
        _number("credited_amount", "Sum of the player's amount credits.", "currency of the row", nullable=False),
        _number("credited_amount_lo", "Lower end of the 95 % interval; null if unknown.", "currency of the row"),
        _number("credited_amount_hi", "Upper end of the same.", "currency of the row"),
        Column(
            "currency",
            Kind.CATEGORY,
            f"Currency code of the amounts; {NO_CURRENCY} where the deals name none.",
            nullable=False,
            unit=CURRENCY,
        ),
    ),
    key=("partner_id", "period", "method", "currency"),
)

INPUT_TABLES: Final[dict[str, Table]] = {
    table.name: table
    for table in (
        DEALS,
        STAGE_HISTORY,
        PARTNERS,
        PARTNER_ALIASES,
        CONTACTS,
        TOUCHPOINTS,
        CONVERSATIONS,
        UTTERANCES,
        PARTICIPANTS,
        OUTCOMES_TABLE,
        INTEGRATIONS,
        LEADS,
        QUOTES,
        COSTS,
    )
}
CONVERSATION_TABLES: Final = ("conversations", "utterances", "participants")
"""Input tables that hold what was said, and by whom; their rows go when a conversation is deleted."""
RESULT_TABLES: Final[dict[str, Table]] = {
    table.name: table
    for table in (
        MOMENTS,
        SIGNALS,
        JUDGED_MOMENTS,
        MOMENT_CUES,
        CONVERSATION_LINKS,
        REVIEWS,
        DELETIONS,
        CREDITS,
        PARTNER_EFFECTS,
        PARTNER_SCORES,
    )
}
TABLES: Final[dict[str, Table]] = INPUT_TABLES | RESULT_TABLES
