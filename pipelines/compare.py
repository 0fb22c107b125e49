"""The verb `compare`: what every method gives to whom on the same won deals, and how far the methods agree.

Credits of the workspace stand as they are; the rules and path methods that it lacks are computed for the comparison,
and are not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from features.tables import DIRECT, METHODS
from models.agreement import rank_correlations
from models.journeys import Flags, Floats, Integers, Journeys
from models.rules import RULES
from pipelines.comparing.report import Comparison, Method, Player
from pipelines.config import Config, CreditConfig
from pipelines.scoring.bucket import MODEL_METHODS
from pipelines.scoring.paths import PATH_METHODS, Paths, all_journeys, path_split, paths_of
from pipelines.workspace import Workspace, WorkspaceError

CLASSICAL: Final = (*RULES, *PATH_METHODS)
DIVIDING: Final = (*MODEL_METHODS, *CLASSICAL)
"""The methods that divide deals; ``features.tables.METHODS`` names others as well."""
MARKOV_TOTALS: Final = "markov, totals"
VARIANTS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "last_touch, partners only": ("last_touch", {"last_touch_scope": "partner"}),
    "markov, order 2": ("markov", {"markov_order": 2}),
    "markov, fail": ("markov", {"markov_removal": "fail"}),
    "markov, renormalise": ("markov", {"markov_removal": "renormalise"}),
    "shapley_paths, rate": ("shapley_paths", {"shapley_value": "rate"}),
}
"""Further forms of a method: its name, and the settings of ``credit`` in which it differs."""
LEAST_COVERAGE: Final = 0.9
"""A method of the workspace that credits a smaller part of the won deals would shrink what is compared."""

_COVERAGE: Final = """
SELECT method, count(DISTINCT deal_id) AS n FROM credits JOIN compare_won USING (deal_id)
WHERE target = 'win' AND kind = 'split' GROUP BY method
"""
_SHARES: Final = """
SELECT w.deal::BIGINT AS deal, p.player::BIGINT AS player, c.share
FROM credits c JOIN compare_won w USING (deal_id) JOIN compare_players p USING (partner_id)
WHERE c.target = 'win' AND c.kind = 'split' AND c.method = $method
"""


@dataclass(frozen=True)
class _Given:
    """A method's shares: ``key`` (deal x players + player) and ``share``, both shape (pairs of the method,)."""

    key: Integers
    share: Floats


def compare(
    workspace: Workspace, config: Config, *, methods: Sequence[str] | None = None, variants: bool = False
) -> Comparison:
    """Every method's credited wins on the same won deals, by partner, and the rank correlations between methods.

    Parameters
    ----------
    workspace : must have won deals; its ``credits`` are used as far as they are there.
    config : its ``credit`` section sets how classical methods divide that the workspace has no credits of.
    methods : names of ``DIVIDING``; None means those in ``credits`` and all classical ones.
    variants : adds further forms of the classical methods among them, each labelled by its setting.

    Returns
    -------
    Compared are the won deals that every method of the workspace credits; one that credits fewer than nine tenths of
    the won deals is left out and named.

    Raises
    ------
    WorkspaceError
        When there is no won deal, a method is unknown, or one is neither in ``credits`` nor classical.
    """
    unknown = [name for name in methods or () if name not in DIVIDING]
    if unknown:
        raise WorkspaceError(f"There is no method {', '.join(map(repr, unknown))}; choose among {', '.join(DIVIDING)}.")
    with workspace.connect() as connection:
        journeys, is_won = all_journeys(connection, config.credit)
        if not is_won.any():
            raise WorkspaceError(f"{workspace.root} has no won deals to compare methods on.")
        won = journeys.only(is_won)
        kept, left_out, players = _from_credits(connection, won, methods)
        names = dict(connection.execute("SELECT partner_id, name FROM partners").fetchall())
    asked = [name for name in CLASSICAL if name not in kept and (methods is None or name in methods)]
    lacking = [name for name in methods or () if name not in kept and name not in (*asked, *left_out)]
    if lacking:
        raise WorkspaceError(
            f"{workspace.root} has no credits by {', '.join(lacking)}. Score them first, or leave them out."
        )
    forms = {label: form for label, form in VARIANTS.items() if variants and (methods is None or form[0] in methods)}
    computed, settings = _computed(journeys, is_won, won, config.credit, asked, forms)
    found = {label: _keyed(won, share, len(players)) for label, share in computed.items()}
    learned = paths_of(journeys, is_won, config.credit, ("markov",)) if "markov" in (*kept, *asked) else None
    return _compared(won, kept | found, settings, learned, _Names(players, names), left_out)


@dataclass(frozen=True)
class _Names:
    """``players`` : ids by number; ``names`` : names by id."""

    players: pd.Index
    names: Mapping[str, str]

    def of(self, number: int) -> Player:
        """The player with that number."""
        identifier = str(self.players[number])
        name = "own team" if identifier == DIRECT else self.names.get(identifier) or identifier
        return Player(identifier, name)


def _from_credits(
    connection: Any, won: Journeys, methods: Sequence[str] | None
) -> tuple[dict[str, _Given], tuple[str, ...], pd.Index]:
    """Shares in the workspace, the methods that credit too few deals, and all players, those of ``won`` first."""
    deals = pd.DataFrame({"deal_id": won.deal_ids, "deal": np.arange(won.n_deals)})
    connection.register("compare_deals", deals)
    connection.execute("CREATE TEMP TABLE compare_won AS SELECT * FROM compare_deals")
    others = connection.execute("SELECT DISTINCT partner_id FROM credits ORDER BY 1").fetchall()
    players = pd.Index(won.players).union(pd.Index([name for (name,) in others], dtype=object), sort=False)
    connection.register("compare_names", pd.DataFrame({"partner_id": players, "player": np.arange(len(players))}))
    connection.execute("CREATE TEMP TABLE compare_players AS SELECT * FROM compare_names")
    coverage = dict(connection.execute(_COVERAGE).fetchall())
    asked = [name for name in METHODS if name in coverage and (methods is None or name in methods)]
    left_out = tuple(name for name in asked if coverage[name] < LEAST_COVERAGE * won.n_deals)
    kept = {}
    for method in asked:
        if method not in left_out:
            rows = connection.execute(_SHARES, {"method": method}).fetchnumpy()
            key = np.asarray(rows["deal"]) * len(players) + np.asarray(rows["player"])
            order = np.argsort(key)
            kept[method] = _Given(key[order], np.asarray(rows["share"])[order])
    return kept, left_out, players


def _computed(
    journeys: Journeys,
    is_won: Flags,
    won: Journeys,
    credit: CreditConfig,
    asked: Sequence[str],
    variants: Mapping[str, tuple[str, dict[str, Any]]],
) -> tuple[dict[str, Floats], dict[str, str]]:
    """Shares of the won deals' pairs by label, and in which setting a variant differs."""
    forms = {name: (name, credit) for name in asked}
    settings = {}
    for label, (method, update) in variants.items():
        told = credit.model_copy(update=update)
        if told != credit:
            forms[label] = (method, told)
            settings[label] = ", ".join(f"{key}: {value}" for key, value in update.items())
    shares = {}
    for label, (method, told) in forms.items():
        shares[label] = path_split(method, won, told, paths_of(journeys, is_won, told, (method,))).share
    return shares, settings


def _keyed(won: Journeys, share: Floats, n_players: int) -> _Given:
    return _Given(won.pairs.deal.astype(np.int64) * n_players + won.pairs.player, share)


def _compared(
    won: Journeys,
    given: Mapping[str, _Given],
    settings: Mapping[str, str],
    learned: Paths | None,
    names: _Names,
    left_out: tuple[str, ...],
) -> Comparison:
    labels = sorted(given, key=_place)
    n_players = len(names.players)
    is_common = np.ones(won.n_deals, dtype=np.bool_)
    for label in labels:
        is_common &= np.bincount(given[label].key // n_players, minlength=won.n_deals) > 0
    keys = np.unique(np.concatenate([given[label].key for label in labels]))
    keys = keys[is_common[keys // n_players]]
    player = keys % n_players
    shares = np.column_stack([_aligned(given[label], keys) for label in labels])
    wins: Floats = np.column_stack([np.bincount(player, c, minlength=n_players).astype(np.float64) for c in shares.T])
    columns = [Method(label, settings.get(label, "")) for label in labels]
    if learned is not None and learned.removals is not None:
        totals = np.zeros((n_players, 1))
        totals[names.players.get_indexer(learned.players), 0] = learned.removals.total_credit
        wins, columns = np.hstack([wins, totals]), [*columns, Method(MARKOV_TOTALS, "by removal effect")]
    is_there = (wins != 0).any(axis=1) | np.isin(np.arange(n_players), player)
    partners = np.flatnonzero(is_there & (np.arange(n_players) > 0))
    order = partners[np.lexsort((partners, -wins[partners, 0]))]
    return Comparison(
        n_deals=int(is_common.sum()),
        n_pairs=int((player > 0).sum()),
        methods=tuple(columns),
        players=tuple(names.of(int(number)) for number in order),
        wins=wins[order],
        own=wins[0],
        by_pair=rank_correlations(shares[player > 0]),
        by_partner=rank_correlations(wins[order]),
        left_out=left_out,
    )


def _aligned(given: _Given, keys: Integers) -> Floats:
    """The method's share of each key, 0 where it gives nothing."""
    place = np.minimum(np.searchsorted(given.key, keys), len(given.key) - 1)
    return np.where(given.key[place] == keys, given.share[place], 0.0)


def _place(label: str) -> tuple[int, str]:
    return METHODS.index(label.split(",")[0]), label
