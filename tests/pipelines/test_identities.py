"""What must hold of every credit, on a simulated company from raw exports to a trained model's credits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.frame import base, members
from features.inputs import Inputs, inputs_from
from features.simulation.settings import Settings
from features.tables import DIRECT, INPUT_TABLES
from models.outcome import OutcomeModel
from models.pooling import deal_frame
from models.rules import RULES
from pipelines.config import Config
from pipelines.ingest import ingest
from pipelines.score import champion, score
from pipelines.simulate import simulate_to
from pipelines.train import train
from pipelines.workspace import Workspace, write_frame

pytestmark = pytest.mark.slow

CONFIG = Config.model_validate({"engine": {"threads": 1}, "outcome": {"bootstrap": 50}, "credit": {"chunk_deals": 400}})
METHODS = ("model", "shap", *RULES)
KEYS = ["deal_id", "method", "target", "partner_id"]
PARTNER_COLUMNS = ("partner_id", "parent_id")


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A trained and scored workspace, to be read only."""
    folder = tmp_path_factory.mktemp("identities")
    written = simulate_to(folder / "company", Settings(n_deals=1500, n_partners=20), seed=5)
    workspace = Workspace.open(folder / "workspace", create=True, threads=1)
    ingest(workspace, "salesforce", written.crm)
    ingest(workspace, "tables", written.prm)
    train(workspace, CONFIG)
    score(workspace, CONFIG, methods=METHODS)
    return workspace


def credits_of(workspace: Workspace) -> pd.DataFrame:
    frame = workspace.read("credits").drop(columns=["run_id", "scored_at"])
    return frame.sort_values(KEYS, ignore_index=True)


def retold(
    workspace: Workspace, root: Path, change: Callable[[str, pd.DataFrame], pd.DataFrame], threads: int = 1
) -> pd.DataFrame:
    """Credits of a new workspace with the same input tables, changed, trained and scored from the start."""
    copy = Workspace.open(root, create=True, threads=threads)
    with copy.lock("test"), copy.transaction() as transaction:
        for name, table in INPUT_TABLES.items():
            if workspace.has(name):
                write_frame(change(name, workspace.read(name)), table, transaction.file(f"tables/{name}.parquet"))
    config = CONFIG.model_copy(update={"engine": CONFIG.engine.model_copy(update={"threads": threads})})
    train(copy, config)
    score(copy, config, methods=METHODS)
    return credits_of(copy)


def test_every_deal_adds_up_to_what_the_model_predicts_and_to_the_cent(scored: Workspace) -> None:
    credit, deals = credits_of(scored), scored.read("deals").set_index("deal_id")
    model = champion(scored, CONFIG)
    with scored.connect() as connection:
        frame = frame_of(inputs_from(connection), model)
    predicted = pd.Series(model.predict(frame), index=frame["deal_id"])
    np.testing.assert_allclose(credit.groupby(["method", "target", "deal_id"])["share"].sum(), 1, atol=1e-9)
    for method in ("model", "shap"):
        wins = wins_of(credit, method)
        assert set(wins.index) == set(predicted.index)
        np.testing.assert_allclose(wins, predicted[wins.index], atol=1e-9)
    won = set(deals.index[deals["outcome"] == "won"])
    for rule in RULES:
        wins = wins_of(credit, rule)
        assert set(wins.index) == won
        np.testing.assert_allclose(wins, 1, atol=1e-9)
    amounts = deals["amount"].to_dict()
    for (_, deal), rows in credit[credit["target"] == "amount"].groupby(["method", "deal_id"]):
        amount = Decimal(str(amounts[deal])).quantize(Decimal("0.01"))
        assert sum(Decimal(str(part)) for part in rows["credit"]) == amount


def wins_of(credit: pd.DataFrame, method: str) -> pd.Series:
    """What each deal's players have of its win by one method, added up."""
    rows = credit[(credit["method"] == method) & (credit["target"] == "win")]
    return rows.groupby("deal_id")["credit"].sum()


def frame_of(inputs: Inputs, model: OutcomeModel, deal: str | None = None) -> pd.DataFrame:
    """The features of all deals, or of one, with all their partners."""
    assert model.spec is not None
    rows = [base(inputs, model.spec), members(inputs, model.spec)]
    own, partners = ((t if deal is None else t.filter(t.deal_id == deal)).execute() for t in rows)
    return deal_frame(own, model.encode(partners), model.extra_columns)


def test_threads_and_the_order_of_rows_change_no_bit(scored: Workspace, tmp_path: Path) -> None:
    shuffled = retold(scored, tmp_path / "w", lambda _, frame: frame.sample(frac=1, random_state=3), threads=2)
    pd.testing.assert_frame_equal(shuffled, credits_of(scored), check_exact=True)


def test_partners_by_other_ids_and_names_get_the_same_credit(scored: Workspace, tmp_path: Path) -> None:
    ids = sorted(scored.read("partners")["partner_id"])
    other = dict(zip(ids, [f"z{(7 * i) % 97:02}" for i in range(len(ids))], strict=True))

    def renamed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
        found = {column: frame[column].replace(other) for column in PARTNER_COLUMNS if column in frame}
        named = {"name": "Partner " + frame["partner_id"].replace(other)} if name == "partners" else {}
        return frame.assign(**found, **named)

    back = {new: old for old, new in other.items()}
    made = retold(scored, tmp_path / "w", renamed)
    mapped = made.assign(partner_id=made["partner_id"].replace(back)).sort_values(KEYS, ignore_index=True)
    left, right = (frame.drop(columns="model_version") for frame in (mapped, credits_of(scored)))
    pd.testing.assert_frame_equal(left, right, check_exact=True)


def test_credit_is_the_partners_part_of_the_shapley_value_with_partners_physically_removed(scored: Workspace) -> None:
    model = champion(scored, CONFIG)
    credit = scored.read("credits").query("method == 'model' and target == 'win'")
    partners = credit[credit["partner_id"] != DIRECT].groupby("deal_id")["partner_id"].agg(sorted)
    for deal in sorted(partners.index[partners.map(len) == 3])[:2]:
        found = credit[credit["deal_id"] == deal].set_index("partner_id")["credit"]
        names = partners[deal]
        value = {s: prediction_with(scored, model, deal, set(s)) for n in range(4) for s in combinations(names, n)}
        taken_off = (1 - model.partners_part) * (value[tuple(names)] - value[()])
        assert found[DIRECT] == pytest.approx(value[()] + taken_off, abs=1e-12)
        for name in names:
            orders = list(permutations(names))
            places = [order.index(name) for order in orders]
            gains = [
                value[tuple(sorted(order[: place + 1]))] - value[tuple(sorted(order[:place]))]
                for order, place in zip(orders, places, strict=True)
            ]
            assert found[name] == pytest.approx(model.partners_part * sum(gains) / len(gains), abs=1e-12)


def prediction_with(workspace: Workspace, model: OutcomeModel, deal: str, kept: set[str]) -> float:
    """The model's prediction for a deal after the touches of other partners on it were taken out of the tables."""
    with workspace.connect() as connection:
        inputs = inputs_from(connection)
        touches = inputs.touchpoints
        stays = (touches.deal_id != deal) | touches.partner_id.isnull() | touches.partner_id.isin([*kept, "nobody"])
        frame = frame_of(replace(inputs, touchpoints=touches.filter(stays)), model, deal)
    return float(model.predict(frame)[0])
