"""How many deals a second get credit, by number of partners: coalitions beside TreeSHAP, shap and woodelf, one model.

    python benchmarks/credit_speed.py --deals 300 --partners 1 2 4 6 8

The model is LightGBM (200 trees x 31 leaves) on the deal's and the pooled partner features. Coalition credit asks it
for every coalition and is exact; the others divide one prediction by feature. All run on one thread and are measured in
CPU seconds. `features` and `predict` are parts of the coalitions' time. The last column is the product's own model,
whose base booster no coalition changes. shap's interventional mode gets 100 background rows; woodelf is skipped where
it is not installed (`pip install woodelf_explainer treelite`).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import platform
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import expit

from models.boosting import Booster, Floats
from models.columns import ColumnCoder, feature_names
from models.credit import model_credit
from models.outcome import OutcomeModel
from models.pooling import deal_frame
from models.pools import MemberPool
from models.prepared import PreparedResiduals
from models.shapley import Integers
from models.value import DealBatch, Values

PACKAGES: Final = ("lightgbm", "shap", "numpy", "pandas")
TYPES: Final = ("si", "isv", "reseller", "msp")
SUMS: Final = ("touches", "early_touches", "contacts", "touches_near_own_team", "past_deals")
TREES, LEAVES, BACKGROUND = 200, 31, 100
CATEGORIES: Final = ("x_kind",)
"""Left out of the model, since shap's interventional mode does not know LightGBM's categories."""
FEW: Final = 100
"""Deals on which shap's interventional mode, the slowest, is measured."""
MANY: Final = 20_000
"""Deals on which woodelf is measured, which pays much at first for each batch."""


class OneBooster:
    """One LightGBM model on everything, as a value function."""

    extra_columns: tuple[str, ...] = ()
    version = "one"

    def __init__(self, frame: pd.DataFrame, won: pd.Series) -> None:
        self.coder = ColumnCoder.fit(frame, feature_names(frame, CATEGORIES))
        data = lgb.Dataset(self.coder.matrix(frame), won.to_numpy(dtype=float))
        params = {"objective": "binary", "num_leaves": LEAVES, "num_threads": 1, "verbosity": -1, "seed": 0}
        self.lightgbm = lgb.train(params, data, TREES)
        self.booster = Booster(self.coder, self.lightgbm.model_to_string())

    def encode(self, members: pd.DataFrame) -> pd.DataFrame:
        """The members as they are."""
        return members

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Win probability."""
        return np.asarray(expit(self.booster.raw(self.coder.matrix(frame))))

    def contributions(self, frame: pd.DataFrame) -> pd.DataFrame:
        """TreeSHAP."""
        return pd.DataFrame(self.booster.contributions(self.coder.matrix(frame)))

    def prepared(self, base: pd.DataFrame) -> PreparedBooster:
        """The model with some deals at hand."""
        return PreparedBooster(self, base)


class PreparedBooster:
    """``OneBooster`` with some deals at hand; every coalition goes through all trees."""

    def __init__(self, model: OneBooster, base: pd.DataFrame) -> None:
        everyone = np.ones(len(base), dtype=bool)
        self._booster = PreparedResiduals(model.coder, base, [([model.booster], everyone)], threads=1)
        self.pools: tuple[str, ...] | None = self._booster.pools

    def predict(self, deals: Integers, pools: Mapping[str, Floats]) -> Floats:
        """Win probability."""
        return np.asarray(expit(self._booster.raw(deals, pools)))


def simulated(deals: int, partners: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Base, members (``partners`` on each deal, out of 40) and outcomes."""
    dice = np.random.default_rng(seed)
    deal_id = pd.Series([f"d{partners:02}-{i:05}" for i in range(deals)])
    base = pd.DataFrame({f"x_{name}": dice.normal(size=deals) for name in "abcdefgh"})
    base = base.assign(deal_id=deal_id, account_id=deal_id, x_kind=dice.choice(list("pqrs"), deals))
    who = np.argsort(dice.random((deals, 40)), axis=1)[:, :partners]
    rows = who.size
    members = pd.DataFrame({name: dice.poisson(3, rows) for name in SUMS}).assign(
        deal_id=np.repeat(deal_id.to_numpy(), partners),
        account_id=np.repeat(deal_id.to_numpy(), partners),
        partner_id=[f"p{p:02}" for p in who.ravel()],
        partner_type=[TYPES[p % len(TYPES)] for p in who.ravel()],
        past_win_rate=dice.random(rows),
    )
    dose = np.rint(1e6 * (1 - np.exp(-members["touches"] / 3))).astype("int64")
    members = members.assign(dose=dose, deal_segment="mid")
    effect = pd.Series(np.where(who.ravel() % 3 == 0, 0.5, 0.0) * dose / 1e6).groupby(members["deal_id"]).sum()
    logit = base["x_a"] - 0.5 + effect.reindex(deal_id).fillna(0).to_numpy()
    return base, members, pd.Series(dice.random(deals) < 1 / (1 + np.exp(-logit)))


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of the second of two runs."""
    work()
    begin = time.process_time()
    work()
    return time.process_time() - begin


class Split:
    """CPU seconds that coalition credit spends on making features and on predicting, while it is watched."""

    def __init__(self, prepared: type[Any]) -> None:
        self.features = self.predict = 0.0
        self._wrap(MemberPool, "of_subsets", "features")
        self._wrap(prepared, "predict", "predict")

    def of(self, work: Callable[[], object]) -> tuple[float, float, float]:
        """Seconds of the work, and those of both parts, in the second of two runs."""
        work()
        self.features = self.predict = 0.0
        begin = time.process_time()
        work()
        return time.process_time() - begin, self.features, self.predict

    def _wrap(self, owner: type[Any], name: str, part: str) -> None:
        work = getattr(owner, name)

        def timed(*arguments: Any) -> Any:
            begin = time.process_time()
            try:
                return work(*arguments)
            finally:
                setattr(self, part, getattr(self, part) + time.process_time() - begin)

        setattr(owner, name, timed)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deals", type=int, default=300, help="deals for each number of partners")
    parser.add_argument("--partners", type=int, nargs="+", default=[1, 2, 4, 6, 8], help="numbers of partners")
    options = parser.parse_args()
    training = [simulated(1000, n, seed=n) for n in (0, 1, 2, 3, 4)]
    base, members, won = (pd.concat(part, ignore_index=True) for part in zip(*training, strict=True))
    one = OneBooster(deal_frame(base, members), won)
    ours = OutcomeModel(threads=1).fit(base, members, won)
    background = one.coder.matrix(deal_frame(base, members))[:: len(base) // BACKGROUND][:BACKGROUND]
    split = Split(PreparedBooster)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    print(f"Python {platform.python_version()}, {versions}; deals a CPU second, {TREES} trees x {LEAVES} leaves")
    print("partners  coalitions  features  predict    TreeSHAP  interventional     woodelf  the product's coalitions")
    for n in options.partners:
        base, members, _ = simulated(options.deals, n, seed=100 + n)
        matrix = one.coder.matrix(deal_frame(base, members))
        exact, features, predict = split.of(lambda b=base, m=members: credited(one, b, m))  # type: ignore[misc]
        shap = options.deals / cpu_seconds(lambda x=matrix: one.booster.contributions(x))  # type: ignore[misc]
        own = options.deals / cpu_seconds(lambda b=base, m=members: credited(ours, b, m))  # type: ignore[misc]
        print(
            f"{n:8}  {options.deals / exact:10,.0f}  {features / exact:8.0%}  {predict / exact:7.0%}  {shap:10,.0f}  "
            f"{interventional(one, background, matrix[:FEW]):>14}  {woodelf(one, matrix):>10}  {own:24,.0f}",
            flush=True,
        )


def credited(model: Any, base: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Coalition credit from the frames on."""
    return model_credit(Values(model, DealBatch.of(model, base, members)))


def interventional(model: OneBooster, background: Floats, matrix: Floats) -> str:
    """Deals a CPU second of shap's interventional TreeExplainer, as text."""
    import shap

    explainer = shap.TreeExplainer(model.lightgbm, background, feature_perturbation="interventional")
    return f"{len(matrix) / cpu_seconds(lambda: explainer.shap_values(matrix)):,.0f}"


def woodelf(model: OneBooster, matrix: Floats) -> str:
    """Deals a CPU second of woodelf's path-dependent explainer on one large batch, as text."""
    if importlib.util.find_spec("woodelf") is None:
        return "skipped"
    from woodelf import WoodelfExplainer

    many = np.tile(matrix, (-(-MANY // len(matrix)), 1))
    frame = pd.DataFrame(many, columns=model.lightgbm.feature_name())
    explainer = WoodelfExplainer(model.lightgbm, None)
    return f"{len(many) / cpu_seconds(lambda: explainer.shap_values(frame, verbose=False)):,.0f}"


if __name__ == "__main__":
    main()
