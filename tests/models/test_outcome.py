from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from features.cutoff import Cutoff
from features.frame import FrameSpec
from models.crossfit import TrainingDataError
from models.metrics import log_losses, roc_auc
from models.outcome import OutcomeModel
from models.persistence import ArtifactError
from models.pooling import deal_frame
from models.splits import account_folds

SPEC = FrameSpec(Cutoff(), kinds=("demo",), partner_types=("isv", "si"), covariates=("segment",))


def new(**settings: Any) -> OutcomeModel:
    return OutcomeModel(**{"folds": 3, "max_rounds": 30, "residual_rounds": 10, "spec": SPEC, **settings})


def frame_of(model: OutcomeModel, deals: Any) -> pd.DataFrame:
    return deal_frame(deals.base, model.encode(deals.members), model.extra_columns)


@pytest.fixture(scope="module")
def deals(deals_of: Callable[..., Any]) -> Any:
    return deals_of(600, seed=1)


@pytest.fixture(scope="module")
def fitted(deals: Any) -> OutcomeModel:
    return new().fit(deals.base, deals.members, deals.won)


def test_held_out_predictions_rank_deals_and_beat_the_overall_rate(fitted: OutcomeModel, deals: Any) -> None:
    probability = np.asarray(fitted.fitted_probability_, dtype=np.float64)
    won = np.asarray(deals.won, dtype=np.float64)
    assert roc_auc(won, probability) > 0.65
    assert log_losses(won, probability).mean() < log_losses(won, np.full(600, won.mean())).mean() - 0.02


def test_a_trained_deal_is_predicted_nearly_as_by_a_model_that_never_saw_it(fitted: OutcomeModel, deals: Any) -> None:
    predicted = fitted.predict(frame_of(fitted, deals))
    out_of_fold = fitted.fitted_probability_.reindex(deals.base["deal_id"]).to_numpy()
    assert np.corrcoef(predicted, out_of_fold)[0, 1] > 0.97
    assert np.abs(predicted - out_of_fold).mean() < 0.05


def test_predictions_are_calibrated_in_the_large(fitted: OutcomeModel, deals: Any) -> None:
    assert fitted.fitted_probability_.mean() == pytest.approx(deals.won.mean(), abs=0.01)


def test_trees_never_saw_the_accounts_that_they_judge(deals: Any) -> None:
    account = deals.base["account_id"].value_counts().index[0]
    mine = (deals.base["account_id"] == account).to_numpy()
    fold = int(account_folds(deals.base["account_id"][mine], 3)[0])
    first, turned = (
        new(max_rounds=1).fit(deals.base, deals.members, won).models_
        for won in (deals.won, deals.won.where(~mine, 1 - deals.won))
    )
    assert first[fold].base.text == turned[fold].base.text
    assert first[fold - 1].base.text != turned[fold - 1].base.text


def test_a_new_account_is_predicted_by_all_folds_together(fitted: OutcomeModel, deals: Any) -> None:
    stranger = deals.base.head(1).assign(account_id="stranger")
    frame = deal_frame(stranger, fitted.encode(deals.members.iloc[:0]), fitted.extra_columns)
    alone = [
        fitted.predict(frame.assign(account_id=deals.base["account_id"][i])).item()
        for i in [int(np.flatnonzero(_folds(deals) == fold)[0]) for fold in range(3)]
    ]
    assert logit(fitted.predict(frame).item()) == pytest.approx(np.mean(logit(alone)))


def _folds(deals: Any) -> Any:
    from models.splits import account_folds

    return account_folds(deals.base["account_id"], 3)


def test_contributions_add_up_to_the_log_odds(fitted: OutcomeModel, deals: Any) -> None:
    frame = frame_of(fitted, deals).sample(50, random_state=0)
    contributions = fitted.contributions(frame)
    np.testing.assert_allclose(contributions.sum(axis=1), logit(fitted.predict(frame)), atol=1e-6)
    assert contributions.index.equals(frame.index)
    assert "bias" in contributions


def test_good_partners_raise_and_bad_ones_lower_the_prediction(fitted: OutcomeModel, deals: Any) -> None:
    base = deals.base.head(1)
    rows = deals.members.head(2).assign(deal_id=base["deal_id"][0], account_id=base["account_id"][0])
    alone, good, bad = (
        fitted.predict(deal_frame(base, fitted.encode(part), fitted.extra_columns)).item()
        for part in (rows.iloc[:0], rows.iloc[:1].assign(partner_id="P0"), rows.iloc[:1].assign(partner_id="P7"))
    )
    assert bad < good
    assert alone < good


def test_more_partner_effect_never_lowers_the_prediction(fitted: OutcomeModel, deals: Any) -> None:
    frame = frame_of(fitted, deals).head(40)
    more = frame.assign(partner_effect_millionths_sum=frame["partner_effect_millionths_sum"] + 300_000)
    assert (fitted.predict(more) > fitted.predict(frame)).all()


def test_a_saved_model_predicts_the_same(fitted: OutcomeModel, deals: Any, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    loaded = OutcomeModel.load(tmp_path / "model", threads=2)
    frame = frame_of(fitted, deals)
    np.testing.assert_array_equal(loaded.predict(frame), fitted.predict(frame))
    assert loaded.version == fitted.version
    assert loaded.spec == SPEC
    assert loaded.threads == 2
    assert sorted({path.suffix for path in (tmp_path / "model").iterdir()}) == [".json", ".txt"]


def test_a_saved_model_that_lacks_a_part_is_refused(fitted: OutcomeModel, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    content = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    del content["facts"]["calibrator"]
    (tmp_path / "model.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ArtifactError, match="is incomplete"):
        OutcomeModel.load(tmp_path)


@pytest.mark.slow
def test_row_order_threads_and_partner_names_change_no_byte(deals: Any, fitted: OutcomeModel) -> None:
    order = np.random.default_rng(3).permutation(len(deals.base))
    renamed = deals.members.assign(partner_id="q" + deals.members["partner_id"].str[::-1]).sample(
        frac=1, random_state=2
    )
    other = new(threads=2).fit(deals.base.iloc[order], renamed, deals.won.iloc[order])
    texts = [[m.base.text, m.residual and m.residual.text] for m in (*fitted.models_, *other.models_)]
    assert texts[:3] == texts[3:]
    assert fitted.calibrator_ == other.calibrator_
    assert fitted.effects_.by_type == other.effects_.by_type
    assert fitted.selection_ == other.selection_
    again = new(threads=2).fit(
        deals.base.iloc[order], deals.members.sample(frac=1, random_state=5), deals.won.iloc[order]
    )
    assert again.version == fitted.version


def test_monotone_features_only_push_one_way(deals: Any) -> None:
    model = new(monotone={"x_size": 1}).fit(deals.base, deals.members, deals.won)
    frame = frame_of(model, deals).head(30)
    assert (model.predict(frame.assign(x_size=frame["x_size"] + 1)) >= model.predict(frame)).all()


def test_left_out_columns_are_not_needed(deals: Any) -> None:
    model = new(leave_out=("x_size",)).fit(deals.base, deals.members, deals.won)
    frame = frame_of(model, deals).drop(columns="x_size").head()
    assert len(model.predict(frame)) == 5


@pytest.mark.slow
def test_an_amount_that_is_coarsened_counts_by_its_decile_only(deals: Any) -> None:
    model = new(coarsen=("amount",)).fit(deals.base, deals.members, deals.won)
    frame = frame_of(model, deals).head(20)
    exact = model.predict(frame)
    edges = np.array(model.coder_.edges["amount"])
    middle = np.searchsorted(edges, frame["amount"], side="right")
    floor = np.where(middle == 0, edges[0] - 1, edges[np.maximum(middle, 1) - 1])
    np.testing.assert_array_equal(model.predict(frame.assign(amount=floor)), exact)


def test_deals_without_any_partner_can_be_trained_on(deals: Any) -> None:
    model = new().fit(deals.base, deals.members.iloc[:0], deals.won)
    frame = deal_frame(deals.base, model.encode(deals.members.iloc[:0]), model.extra_columns)
    assert ((model.predict(frame) > 0) & (model.predict(frame) < 1)).all()


def test_it_clones_and_gives_both_probabilities(fitted: OutcomeModel, deals: Any) -> None:
    twin = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    assert not hasattr(twin, "models_")
    both = fitted.predict_proba(frame_of(fitted, deals).head(3))
    np.testing.assert_allclose(both.sum(axis=1), 1)


def test_a_model_that_is_not_fitted_says_so(deals: Any) -> None:
    with pytest.raises(NotFittedError, match="Call `fit`"):
        new().predict(deals.base)


@pytest.mark.parametrize(("value", "missing"), [(1, "lost"), (0, "won")])
def test_one_outcome_only_cannot_be_trained_on(deals: Any, value: int, missing: str) -> None:
    with pytest.raises(TrainingDataError, match=f"There are no {missing} deals among the 600 closed ones"):
        new().fit(deals.base, deals.members, deals.won * 0 + value)


def test_too_few_accounts_for_the_folds_cannot_be_trained_on(deals: Any) -> None:
    with pytest.raises(TrainingDataError, match="too few accounts for 3 account folds"):
        new().fit(deals.base.assign(account_id="one"), deals.members, deals.won)


def test_a_partner_whom_lost_deals_did_not_live_to_meet_is_flattered_far_less() -> None:
    deals, members = _short_lived(1500)
    won = deals["outcome"] == "won"
    naive, aware = (
        new(leave_out=hidden, max_rounds=200).fit(deals.drop(columns=dropped), members, won)
        for hidden, dropped in (((), ["deal_age_days"]), (("deal_age_days",), []))
    )
    flattered, honest = (model.effects_.by_partner["p"] for model in (naive, aware))
    assert flattered > 2
    assert 0 <= honest < flattered / 2
    assert "deal_age_days" not in aware.coder_.names


def _short_lived(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Deals on which a partner without any effect acts at a steady pace; most lost ones die young."""
    rng = np.random.default_rng(0)
    won = rng.random(n) < 0.4
    age = np.where(~won & (rng.random(n) < 0.7), rng.uniform(5, 40, n), rng.uniform(80, 120, n))
    touches = rng.poisson(age / 30)
    deals = pd.DataFrame(
        {
            "deal_id": [f"d{i:04d}" for i in range(n)],
            "account_id": [f"a{i:04d}" for i in range(n)],
            "outcome": np.where(won, "won", "lost"),
            "segment": rng.choice(["x", "y"], n),
            "deal_age_days": age,
        }
    )
    members = pd.DataFrame(
        {"deal_id": deals["deal_id"], "account_id": deals["account_id"], "partner_id": "p", "partner_type": "si"}
    )
    members = members.assign(deal_segment=deals["segment"], touches=touches)
    return deals, members[touches > 0].reset_index(drop=True)
