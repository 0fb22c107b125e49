"""The simulated market: who its customers and partners are, and what one thing done by each is worth.

Effects are log-odds of winning. They are plausible, not measured: the point is that they differ, and that a method
has to find them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SEGMENTS: Final = ("enterprise", "mid_market", "small_business")
SEGMENT_SHARE: Final = (0.25, 0.40, 0.35)
SEGMENT_LOG_ODDS: Final = (-0.35, 0.0, 0.25)
SEGMENT_CYCLE_DAYS: Final = (140.0, 85.0, 50.0)
SEGMENT_AMOUNT: Final = (180_000.0, 55_000.0, 14_000.0)
INDUSTRIES: Final = ("manufacturing", "financial_services", "healthcare", "retail", "public_sector", "software")
INDUSTRY_LOG_ODDS: Final = (0.1, -0.1, 0.0, 0.15, -0.3, 0.2)
REGIONS: Final = ("north_america", "europe", "united_kingdom", "japan")
REGION_SHARE: Final = (0.45, 0.30, 0.15, 0.10)
CURRENCIES: Final = ("USD", "EUR", "GBP", "JPY")
"""Currency of each region, in the order of ``REGIONS``."""
FX_RATES: Final = (1.0, 1.08, 1.26, 0.0068)
"""US dollars for one unit of each currency, on average."""
DEAL_TYPES: Final = ("New Business", "Expansion", "Renewal")
DEAL_TYPE_SHARE: Final = (0.70, 0.22, 0.08)
DEAL_TYPE_LOG_ODDS: Final = (-0.1, 0.3, 0.8)
SOURCES: Final = ("Web", "Outbound", "Event", "Partner Referral", "Customer Referral")
SOURCE_SHARE: Final = (0.3, 0.3, 0.15, 0.15, 0.1)
SOURCE_LOG_ODDS: Final = (0.0, -0.2, 0.0, 0.15, 0.35)
SOLUTIONS: Final = ("platform", "analytics", "security", "integration")
STAGES: Final = ("Prospecting", "Qualification", "Proposal", "Negotiation")
STAGE_STARTS: Final = (0.0, 0.2, 0.5, 0.8)
"""Where in a deal's planned life each stage begins, as a fraction."""
TIERS: Final = ("platinum", "gold", "silver", "registered")
TIER_SHARE: Final = (0.1, 0.2, 0.3, 0.4)


@dataclass(frozen=True)
class TouchKind:
    """One kind of touch.

    ``effort`` is what it adds to a partner's dose. It happens around ``peak``, a fraction of the deal's life.
    ``minutes`` is its usual length, 0 for what has none. ``is_event``: a calendar event rather than a task.
    """

    name: str
    effort: float
    peak: float
    minutes: float
    is_event: bool


KINDS: Final = (
    TouchKind("Introduction", 1.4, 0.10, 0.0, is_event=False),
    TouchKind("Discovery", 0.9, 0.20, 50.0, is_event=True),
    TouchKind("Workshop", 1.6, 0.40, 150.0, is_event=True),
    TouchKind("Demo", 1.2, 0.45, 60.0, is_event=True),
    TouchKind("Proof of Concept", 1.8, 0.60, 240.0, is_event=True),
    TouchKind("Proposal Support", 1.0, 0.75, 0.0, is_event=False),
    TouchKind("Reference Call", 1.3, 0.80, 35.0, is_event=True),
    TouchKind("Meeting", 0.6, 0.50, 45.0, is_event=True),
    TouchKind("Call", 0.4, 0.50, 20.0, is_event=False),
    TouchKind("Email", 0.15, 0.50, 0.0, is_event=False),
)
AFTER_KINDS: Final = (
    TouchKind("Onboarding", 0.0, 0.0, 90.0, is_event=True),
    TouchKind("Delivery", 0.0, 0.0, 120.0, is_event=True),
    TouchKind("Check In", 0.0, 0.0, 25.0, is_event=False),
)
"""What happens after the close; it can no longer move the outcome."""
OWN_KIND_SHARE: Final = (0.0, 0.12, 0.05, 0.10, 0.04, 0.06, 0.03, 0.20, 0.20, 0.20)
"""How often each of ``KINDS`` is what the own team does."""


@dataclass(frozen=True)
class PartnerKind:
    """One type of partner: how common, how strong, how it differs by segment, and what it does (as ``KINDS``)."""

    name: str
    share: float
    effect: float
    by_segment: tuple[float, float, float]
    kind_share: tuple[float, ...]


PARTNER_KINDS: Final = (
    PartnerKind("si", 0.18, 0.70, (0.45, 0.0, -0.40), (0.05, 0.15, 0.25, 0.10, 0.15, 0.10, 0.02, 0.10, 0.04, 0.04)),
    PartnerKind("isv", 0.16, 0.45, (0.10, 0.10, -0.10), (0.05, 0.10, 0.10, 0.30, 0.15, 0.02, 0.05, 0.10, 0.08, 0.05)),
    PartnerKind("reseller", 0.18, 0.25, (-0.20, 0.0, 0.25), (0.1, 0.05, 0.02, 0.08, 0.02, 0.25, 0.03, 0.1, 0.15, 0.2)),
    PartnerKind("msp", 0.10, 0.40, (-0.30, 0.05, 0.40), (0.05, 0.15, 0.10, 0.10, 0.10, 0.10, 0.05, 0.15, 0.10, 0.10)),
    PartnerKind("hyperscaler", 0.06, 0.60, (0.25, 0.0, -0.2), (0.2, 0.05, 0.1, 0.05, 0.15, 0.1, 0.05, 0.15, 0.05, 0.1)),
    PartnerKind("distributor", 0.08, 0.05, (0.0, 0.0, 0.10), (0.05, 0.0, 0.0, 0.05, 0.0, 0.30, 0.0, 0.10, 0.20, 0.30)),
    PartnerKind("advisor", 0.10, 0.65, (0.20, 0.0, -0.20), (0.30, 0.15, 0.05, 0.0, 0.0, 0.05, 0.20, 0.15, 0.05, 0.05)),
    PartnerKind("referral", 0.08, 0.50, (0.0, 0.0, 0.0), (0.60, 0.05, 0.0, 0.0, 0.0, 0.0, 0.15, 0.05, 0.05, 0.10)),
    PartnerKind("other", 0.06, 0.10, (0.0, 0.0, 0.0), (0.10, 0.10, 0.05, 0.05, 0.05, 0.05, 0.05, 0.20, 0.15, 0.20)),
)
TYPE_SYNERGY: Final[dict[tuple[str, str], float]] = {
    ("si", "hyperscaler"): 0.50,
    ("si", "isv"): 0.35,
    ("isv", "hyperscaler"): 0.30,
    ("advisor", "si"): 0.25,
    ("msp", "distributor"): 0.20,
    ("reseller", "reseller"): -0.50,
    ("reseller", "distributor"): -0.25,
    ("si", "si"): -0.40,
}
"""Log-odds that two partners of these types add (or take) together at full dose of both."""
PAIR_EFFECT: Final = 1.6
"""Log-odds of the two partners of a pair that only works together, at full dose of both."""
OWN_EFFECT: Final = 0.8
"""Log-odds of the own team's full dose."""
AMOUNT_EFFECT: Final = -0.2
"""Log-odds for a standard deviation of the amount within its segment."""
SYLLABLES: Final = ("nor", "val", "tek", "lum", "ari", "bex", "cor", "dyn", "fen", "gal", "hel", "iva", "jun", "kor")
SUFFIXES: Final = ("Consulting", "Systems", "Cloud", "Partners", "Group", "Digital", "Labs", "Networks")
FIRST_NAMES: Final = (
    "Ada",
    "Ben",
    "Chen",
    "Dina",
    "Emre",
    "Fay",
    "Goran",
    "Hana",
    "Ines",
    "Jon",
    "Kofi",
    "Lena",
    "Mia",
)
LAST_NAMES: Final = ("Abe", "Berg", "Cole", "Diaz", "Endo", "Fox", "Gray", "Haas", "Ito", "Jain", "Kim", "Lowe", "Moss")
FUNCTIONS: Final = ("it", "finance", "operations", "procurement", "executive")
