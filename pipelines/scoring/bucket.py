"""Scoring of one bucket of deals by all methods asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd

from features.tables import DIRECT
from models.credit import credit_rows, model_credit, path_credit, players_of
from models.drivers import Drivers
from models.journeys import Journeys
from models.rules import countable_touches
from models.value import DealBatch, ValueModel, Values
from pipelines.config import CreditConfig
from pipelines.scoring.paths import Paths, learned, path_split, version_of_method

MODEL_METHODS: Final = ("model", "shap")
NO_DRIVERS = pd.DataFrame()


@dataclass(frozen=True)
class Bucket:
    """The deals of one bucket that need scoring.

    ``deals``, ``touches``: rows of all of them. ``base``, ``members``: their features, where a model is asked.
    """

    deals: pd.DataFrame
    touches: pd.DataFrame
    base: pd.DataFrame
    members: pd.DataFrame

    @classmethod
    def read(cls, connection: Any, bucket: int, *, with_features: bool) -> Bucket:
        """The bucket's rows from the staged tables."""
        closed = "score_closed LEFT JOIN score_milestones USING (deal_id)"
        deals = _rows(connection, f"SELECT * FROM {closed} SEMI JOIN {_HERE.format(bucket)} ORDER BY deal_id")
        touches = _rows(connection, f"SELECT * FROM wave_touches WHERE bucket = {bucket}")
        if not with_features:
            return cls(deals, touches, pd.DataFrame(), pd.DataFrame())
        features = [
            _rows(connection, f"SELECT * EXCLUDE (bucket) FROM wave_{name} WHERE bucket = {bucket}")
            for name in ("base", "members")
        ]
        return cls(deals, touches, *features)

    def of(self, deal_ids: pd.Series) -> Bucket:
        """The part of it that concerns some deals."""
        return Bucket(*(_only(f, deal_ids) for f in (self.deals, self.touches, self.base, self.members)))


_HERE: Final = "(SELECT deal_id FROM wave WHERE bucket = {}) USING (deal_id)"


@dataclass(frozen=True)
class Scorer:
    """All that is needed to score deals: settings, the seed, and the model unless only rules are asked for.

    ``paths`` is what all closed deals tell, where a method has to know it.
    """

    credit: CreditConfig
    seed: int
    model: ValueModel | None
    model_version: str
    paths: Paths | None = None

    def with_paths(self, connection: Any, methods: tuple[str, ...]) -> Scorer:
        """The scorer that knows of all closed deals what the methods need."""
        return replace(self, paths=learned(connection, self.credit, methods))

    def path_effects(self) -> pd.DataFrame:
        """Rows of ``partner_effects`` that belong to the methods asked for, without ``run_id``."""
        return pd.DataFrame() if self.paths is None else self.paths.effects()

    def score(self, bucket: Bucket, todo: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows of ``credits`` (without run and time) and of the drivers for the deals and methods in ``todo``."""
        players = players_of(bucket.deals, countable_touches(bucket.touches, bucket.deals))
        credit, drivers = [], NO_DRIVERS
        for method, rows in todo.groupby("method", sort=True):
            part = bucket.of(rows["deal_id"])
            if method == "shap":
                wins, drivers = self._shap(part)
            elif method == "model":
                wins = self._model(part)
            else:
                wins = self._path(str(method), part)
            version = self.model_version if method in MODEL_METHODS else version_of_method(str(method))
            credit.append(credit_rows(wins, players, bucket.deals, str(method), version))
        return pd.concat(credit, ignore_index=True), drivers

    def _path(self, method: str, bucket: Bucket) -> pd.DataFrame:
        won = bucket.deals[bucket.deals["outcome"] == "won"]
        eligible = bucket.touches[bucket.touches["is_eligible"]]
        journeys = Journeys.of(eligible.assign(partner_id=eligible["partner_id"].fillna(DIRECT)), won)
        return path_credit(path_split(method, journeys, self.credit, self.paths), journeys)

    def _model(self, bucket: Bucket) -> pd.DataFrame:
        assert self.model is not None
        return model_credit(
            self.model,
            DealBatch.of(self.model, bucket.base, bucket.members),
            exact_players=self.credit.exact_players,
            samples=self.credit.samples,
            seed=self.seed,
        )

    def _shap(self, bucket: Bucket) -> tuple[pd.DataFrame, pd.DataFrame]:
        assert self.model is not None
        batch = DealBatch.of(self.model, bucket.base, bucket.members)
        frame = Values(self.model, batch).with_all()
        contributions = self.model.contributions(frame)
        drivers = Drivers(frame, contributions, batch.members, batch.codes, self.model.extra_columns)
        return drivers.credit(self.model.predict(frame)), drivers.rows()


def _only(frame: pd.DataFrame, deal_ids: pd.Series) -> pd.DataFrame:
    return frame if frame.empty else frame[frame["deal_id"].isin(deal_ids)]


def _rows(connection: Any, query: str) -> pd.DataFrame:
    frame: pd.DataFrame = connection.execute(query).df()
    return frame
