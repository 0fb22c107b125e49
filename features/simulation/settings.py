"""What a simulated company is made of: its size, its biases and the form of the win probability.

Every number that shapes the company stands here, so that a study can vary one and keep the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Bias = Literal["none", "moderate", "strong"]
DoseForm = Literal["saturating", "linear"]
Promise = Literal["both", "observed", "hidden"]

BIASES: Final[tuple[Bias, ...]] = ("none", "moderate", "strong")
PROMISES: Final[tuple[Promise, ...]] = ("both", "observed", "hidden")
SELECTION: Final[dict[Bias, float]] = {"none": 0.0, "moderate": 0.5, "strong": 1.0}
"""How strongly a deal's promise draws partners, and the good ones most: a factor on its standard deviations."""

MAX_PARTNERS: Final = 10


@dataclass(frozen=True)
class Structure:
    """The form of the win probability and of what is hidden from the data.

    Parameters
    ----------
    dose : ``saturating``: 1 - exp(-effort / 2), in [0, 1); ``linear``: effort / 4, not bounded.
    synergy : Whether types of partners help or hinder each other, and pairs that only work together exist.
    segment_effects : Whether a type's effect differs by customer segment.
    quality : Log-odds for a standard deviation of hidden deal quality, >= 0.
    promise : What those who work on a deal, and so the selection of partners, go by: ``observed`` what the CRM tells of
        the deal, ``hidden`` its hidden quality alone, ``both`` the two as they count for the win.
    effect_scale : Factor on every partner effect, >= 0.
    partner_spread : Standard deviation of a partner's own effect around its type's, in log-odds.
    no_effect, harmful, only_in_pairs : Shares of the partners without effect, with a negative one, and with one only
        beside their counterpart; together at most 1.
    win_rate : Mean win probability of the deals, in (0, 1).
    """

    dose: DoseForm = "saturating"
    synergy: bool = True
    segment_effects: bool = True
    quality: float = 0.7
    promise: Promise = "both"
    effect_scale: float = 1.3
    partner_spread: float = 0.55
    no_effect: float = 0.12
    harmful: float = 0.08
    only_in_pairs: float = 0.12
    win_rate: float = 0.36

    def __post_init__(self) -> None:
        if self.promise not in PROMISES:
            raise ValueError(f"promise is {self.promise!r}; choose one of {', '.join(PROMISES)}.")
        if not 0 < self.win_rate < 1:
            raise ValueError(f"win_rate is {self.win_rate}; it must lie between 0 and 1, ends excluded.")
        if self.no_effect + self.harmful + self.only_in_pairs > 1:
            raise ValueError(
                f"no_effect, harmful and only_in_pairs add up to "
                f"{self.no_effect + self.harmful + self.only_in_pairs:.2f}; together they must be at most 1."
            )


@dataclass(frozen=True)
class Settings:
    """Size, bias and dirt of a simulated company.

    Parameters
    ----------
    n_deals : Deals in the CRM, open ones included, >= 1.
    n_partners : Partner companies, 2 to 2,000.
    bias : How strongly good partners are pulled into deals that would be won anyway.
    years : Length of the history, >= 1.
    max_partners : Most partners on a deal, 1 to 10.
    early_loss : Share of the lost deals that die early; what a partner had planned for later never happens. [0, 1]
    late_entries : Share of touches that are entered into the CRM only after the deal has closed. [0, 1]
    dirty : Whether to plant rows that cannot be used.
    """

    n_deals: int = 6000
    n_partners: int = 50
    bias: Bias = "moderate"
    years: int = 3
    max_partners: int = 6
    early_loss: float = 0.2
    late_entries: float = 0.03
    dirty: bool = True
    structure: Structure = Structure()

    def __post_init__(self) -> None:
        limits = {
            "n_deals": (1, 10_000_000),
            "n_partners": (2, 2000),
            "years": (1, 50),
            "max_partners": (1, MAX_PARTNERS),
            "early_loss": (0, 1),
            "late_entries": (0, 1),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; it must lie between {low} and {high}.")
        if self.bias not in BIASES:
            raise ValueError(f"bias is {self.bias!r}; choose one of {', '.join(BIASES)}.")
