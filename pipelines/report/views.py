"""What the report shows, as frozen records: the readers fill them, the templates lay them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from features.shown import NOTHING, Interval, Money, MoneyInterval
from pipelines.report.moment_views import Journey, PartnerEvidence, PartnerMoments


@dataclass(frozen=True)
class Notice:
    """Something that is missing: what, and what to do about it."""

    missing: str
    remedy: str


@dataclass(frozen=True)
class Partner:
    """Who a partner is. ``anchor`` is where its page begins; empty when it has none."""

    partner_id: str
    name: str
    partner_type: str = ""
    tier: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Totals:
    """Counts and sums over the whole workspace. Wins are sums of shares of won deals."""

    n_deals: int = 0
    n_open: int = 0
    n_won: int = 0
    n_lost: int = 0
    first_close: datetime | None = None
    last_close: datetime | None = None
    n_partners: int = 0
    n_active_partners: int = 0
    n_touches: int = 0
    n_partner_touches: int = 0
    n_won_with_partner: int = 0
    n_lost_with_partner: int = 0
    n_scored: int = 0
    n_scored_won: int = 0
    n_won_without_amount: int = 0
    won_money: Money = NOTHING
    credited_money: Money = NOTHING
    partner_money: Money = NOTHING
    partner_wins: float = 0.0

    @property
    def n_closed(self) -> int:
        """Won and lost deals."""
        return self.n_won + self.n_lost

    @property
    def n_unscored(self) -> int:
        """Closed deals without any credit yet."""
        return self.n_closed - self.n_scored

    @property
    def partner_share(self) -> float:
        """Partners' part of the won deals that have credit, a fraction; 0 when none has."""
        return self.partner_wins / self.n_scored_won if self.n_scored_won else 0.0


@dataclass(frozen=True)
class Standing:
    """A player's row of the leaderboard. ``by_method`` maps a method to credited wins.

    ``shown`` are the same wins as printed, rounded so that the rows of a method add up to its printed total.
    ``interval`` and ``money_interval`` belong to ``wins`` and ``money``; ``None`` where none is known.
    """

    partner: Partner
    n_deals: int
    n_won: int
    n_touches: int
    wins: float
    money: Money
    by_method: dict[str, float]
    shown: dict[str, float] = field(default_factory=dict)
    interval: Interval | None = None
    money_interval: MoneyInterval | None = None

    @property
    def wins_per_won_deal(self) -> float | None:
        """Credited wins for each won deal that the partner touched; ``None`` when there is none."""
        return self.wins / self.n_won if self.n_won else None


@dataclass(frozen=True)
class PeriodCredit:
    """One period's won deals and the wins and money that they brought to someone."""

    period: str
    n_won: int
    wins: float
    money: Money


@dataclass(frozen=True)
class KindCount:
    """Touches of one kind, by journey stage."""

    kind: str
    pre_sale: int
    point_of_sale: int
    post_sale: int
    unknown: int

    @property
    def total(self) -> int:
        """All touches of the kind."""
        return self.pre_sale + self.point_of_sale + self.post_sale + self.unknown


@dataclass(frozen=True)
class DealLink:
    """A deal as a line in a partner's page. ``credit`` is the partner's, in wins."""

    deal_id: str
    name: str
    outcome: str
    closed_at: datetime | None
    amount: Money
    credit: float
    share: float
    money: Money
    anchor: str


@dataclass(frozen=True)
class Effect:
    """An estimate about a partner as a whole."""

    method: str
    target: str
    quantity: str
    value: float
    lo: float | None
    hi: float | None
    n: int | None


@dataclass(frozen=True)
class PartnerPage:
    """What one partner did and what it is credited with; ``moments`` is ``None`` where there are no conversations."""

    standing: Standing
    rank: int
    sentence: str
    kinds: tuple[KindCount, ...]
    periods: tuple[PeriodCredit, ...]
    deals: tuple[DealLink, ...]
    effects: tuple[Effect, ...]
    moments: PartnerMoments | None = None


@dataclass(frozen=True)
class Touch:
    """One touch on a deal. ``late`` says that it was recorded after the deal had closed."""

    kind: str
    journey_stage: str
    occurred_at: datetime
    recorded_at: datetime | None
    late: bool
    after_close: bool


@dataclass(frozen=True)
class Lane:
    """One actor's touches on a deal."""

    actor: str
    is_own: bool
    anchor: str
    touches: tuple[Touch, ...]


@dataclass(frozen=True)
class PlayerCredit:
    """A player's part of one deal.

    ``by_method`` maps a method to the share of the win; ``interval`` is that of ``credit``. ``grade`` says how well a
    partner's claim is evidenced; empty for the own team, and where credit was scored without it.
    """

    name: str
    is_own: bool
    anchor: str
    credit: float
    share: float
    money: Money
    by_method: dict[str, float]
    grade: str = ""
    interval: Interval | None = None
    partner_id: str = ""


@dataclass(frozen=True)
class Driver:
    """A feature's contribution to the prediction of a deal, in log-odds."""

    player: str
    feature: str
    value: float


@dataclass(frozen=True)
class DealPage:
    """One deal: who was in it, when, and how its credit is divided; ``evidence`` is ``None`` without conversations."""

    deal_id: str
    anchor: str
    name: str
    outcome: str
    facts: tuple[tuple[str, str], ...]
    created_at: datetime
    closed_at: datetime
    amount: Money
    total: float | None
    sentence: str
    players: tuple[PlayerCredit, ...]
    lanes: tuple[Lane, ...]
    methods: tuple[str, ...]
    drivers: tuple[Driver, ...]
    n_touches_left_out: int = 0
    evidence: tuple[PartnerEvidence, ...] | None = None


@dataclass(frozen=True)
class Agreement:
    """How one method stands to the main one on the same won deals."""

    method: str
    partner_share: float
    rank_correlation: float | None
    moved: float
    gains: tuple[tuple[str, float], ...]
    losses: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Comparison:
    """Methods side by side on the won deals that all of them cover.

    ``rows`` are players with wins by method as printed (``None``: the own team).
    """

    methods: tuple[str, ...] = ()
    n_deals: int = 0
    rows: tuple[tuple[Partner | None, dict[str, float]], ...] = ()
    agreements: tuple[Agreement, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metric:
    """A metric of one model on the test deals; ``lo`` and ``hi`` bound its interval."""

    value: float
    lo: float | None = None
    hi: float | None = None


@dataclass(frozen=True)
class MetricRow:
    """One metric for every model that was compared."""

    name: str
    label: str
    hint: str
    cells: tuple[Metric | None, ...]
    higher_is_better: bool


@dataclass(frozen=True)
class CalibrationPoint:
    """Deals of about the same prediction: the mean prediction, the share won, how many, and the share's interval."""

    predicted: float
    observed: float
    n: int
    lo: float | None = None
    hi: float | None = None


@dataclass(frozen=True)
class Leak:
    """A column that looks like a leak, and what made it suspicious."""

    column: str
    reason: str
    allowed: bool


@dataclass(frozen=True)
class Kept:
    """The part of what coincides with partners that they keep as their credit, as ``models.selection`` found it.

    ``deviation`` is its standard deviation; ``without_hidden`` and ``with_equal`` are the part when nothing hidden
    draws partners to good deals, and when that does as much as what shows.
    """

    part: float
    deviation: float
    without_hidden: float
    with_equal: float


@dataclass(frozen=True)
class Assumed:
    """The partners' credited wins, and what they would be under other assumptions about what draws partners to deals.

    ``face_value``: nothing taken off. ``without_hidden``, ``with_equal``: as in ``Kept``. ``interval`` is that of
    ``wins``.
    """

    wins: float
    interval: Interval
    face_value: float
    without_hidden: float
    with_equal: float


@dataclass(frozen=True)
class ModelQuality:
    """How good the outcome model is, and how that was measured.

    ``has_signal``: it is better than a constant guess by more than chance. ``beats_baselines``: than every baseline.
    ``amount`` are sentences about the amount model. ``is_other``: the credit that the report shows is another model's.
    """

    version: str
    verdict: tuple[str, ...]
    n_test: int
    has_signal: bool
    beats_baselines: bool
    models: tuple[str, ...]
    metrics: tuple[MetricRow, ...]
    calibration: tuple[CalibrationPoint, ...]
    importance: tuple[tuple[str, float], ...]
    leaks: tuple[Leak, ...]
    notes: tuple[str, ...]
    amount: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    kept: Kept | None = None
    is_other: bool = False


@dataclass(frozen=True)
class TableQuality:
    """What became of the rows of one table at its last ingest."""

    table: str
    rows_in: int
    kept: int
    rejected: int
    replaced: int
    source: str
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class DataQuality:
    """What the data holds and lacks."""

    tables: tuple[TableQuality, ...] = ()
    row_counts: tuple[tuple[str, int], ...] = ()
    flags: tuple[tuple[str, int], ...] = ()
    n_touches: int = 0
    n_recorded: int = 0
    n_late: int = 0
    n_after_close: int = 0
    n_closed: int = 0
    n_with_any_touch: int = 0
    n_with_partner_touch: int = 0
    deals_per_partner: tuple[tuple[str, int], ...] = ()
    median_deals_per_partner: float = 0.0
    gaps: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Front:
    """The first page: sentences, three numbers, what not to conclude."""

    sentences: tuple[str, ...]
    figures: tuple[tuple[str, str, str], ...]
    cautions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Report:
    """Everything that the templates need."""

    title: str
    made_at: datetime
    method: str
    currency: str
    model: str
    scored_at: datetime | None
    places: int
    front: Front
    totals: Totals
    periods: tuple[PeriodCredit, ...]
    standings: tuple[Standing, ...]
    rest: Standing | None
    own: Standing | None
    methods: tuple[str, ...]
    comparison: Comparison
    partner_pages: tuple[PartnerPage, ...]
    deal_pages: tuple[DealPage, ...]
    quality: ModelQuality | None
    data: DataQuality
    assumed: Assumed | None = None
    journey: Journey | None = None
    notices: dict[str, tuple[Notice, ...]] = field(default_factory=dict)
