"""How many deals a second get exact coalition credit, by number of partners, beside TreeSHAP of the same model.

Run: ``python benchmarks/credit_speed.py [--deals 300] [--partners 1 2 4 6 8 10]``. Simulated deals; one thread; CPU
seconds, so that a busy machine does not count against it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd

from models.credit import model_credit
from models.outcome import OutcomeModel
from models.pools import Pools
from models.value import DealBatch, Values

TYPES = ("si", "isv", "reseller", "msp")
SUMS = ("touches", "early_touches", "contacts", "touches_near_own_team", "past_deals")


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
    members = members.assign(dose=dose, dose_millionths=dose)
    effect = pd.Series(np.where(who.ravel() % 3 == 0, 0.5, 0.0) * dose / 1e6).groupby(members["deal_id"]).sum()
    logit = base["x_a"] - 0.5 + effect.reindex(deal_id).fillna(0).to_numpy()
    return base, members, pd.Series(dice.random(deals) < 1 / (1 + np.exp(-logit)))


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of the second of two runs, the first having compiled the queries."""
    work()
    begin = time.process_time()
    work()
    return time.process_time() - begin


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", type=int, default=300, help="deals for each number of partners")
    parser.add_argument("--partners", type=int, nargs="+", default=[1, 2, 4, 6, 8], help="numbers of partners")
    options = parser.parse_args()
    training = [simulated(500, n, seed=n) for n in (0, 1, 2, 3, 4)]
    model = OutcomeModel(threads=1, max_rounds=150)
    model.fit(
        pd.concat([base for base, _, _ in training], ignore_index=True),
        pd.concat([members for _, members, _ in training], ignore_index=True),
        pd.concat([won for _, _, won in training], ignore_index=True),
    )
    pools = Pools(duckdb.connect(config={"threads": 1}), model.extra_columns)
    print("partners  coalition deals/s  coalitions/s  TreeSHAP deals/s")
    for n in options.partners:
        base, members, _ = simulated(options.deals, n, seed=100 + n)
        batch = DealBatch.of(model, base, members)
        frame = Values(model, batch, pools).with_all()
        exact = options.deals / cpu_seconds(lambda b=batch: model_credit(model, b, pools))  # type: ignore[misc]
        shap = options.deals / cpu_seconds(lambda f=frame: model.contributions(f))  # type: ignore[misc]
        print(f"{n:8}  {exact:17,.0f}  {exact * 2**n:12,.0f}  {shap:16,.0f}")


if __name__ == "__main__":
    main()
