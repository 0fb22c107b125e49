"""Scoring of one bucket of deals by all methods asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import pandas as pd

from features.tables import DIRECT
from models.credit import credit_rows, model_credit, path_credit, players_of
from models.drivers import Drivers
from models.journeys import Journeys
from models.rules import countable_touches
from models.value import DealBatch, ValueModel, Values
from models.verified import verified_credit
from pipelines.config import CreditConfig
from pipelines.scoring.paths import Paths, learned, path_split, version_of_method

MODEL_METHODS: Final = ("model", "shap", "verified")
NO_DRIVERS = pd.DataFrame()


@dataclass(frozen=True)
class Bucket:
    """The deals of one bucket that need scoring.

    ``deals``, ``touches``, ``claims``: rows of all of them. ``base``, ``members``: their features, where a model is
    asked.
    """

    deals: pd.DataFrame
    touches: pd.DataFrame
    claims: pd.DataFrame
    base: pd.DataFrame
    members: pd.DataFrame

    @classmethod
    def read(cls, connection: Any, bucket: int, *, with_features: bool) -> Bucket:
        """The bucket's rows from the staged tables."""
        deals = _rows(connection, f"SELECT * FROM wave_deals WHERE bucket = {bucket} ORDER BY deal_id")
        touches = _rows(connection, f"SELECT * FROM wave_touches WHERE bucket = {bucket}")
        claims = _rows(connection, f"SELECT * EXCLUDE (bucket) FROM wave_claims WHERE bucket = {bucket}")
        if not with_features:
            return cls(deals, touches, claims, pd.DataFrame(), pd.DataFrame())
        features = [
            _rows(connection, f"SELECT * EXCLUDE (bucket) FROM wave_{name} WHERE bucket = {bucket}")
            for name in ("base", "members")
        ]
        return cls(deals, touches, claims, *features)

    def of(self, deal_ids: pd.Series) -> Bucket:
        """The part of it that concerns some deals."""
        frames = (self.deals, self.touches, self.claims, self.base, self.members)
        return Bucket(*(_only(frame, deal_ids) for frame in frames))

    def journeys_of(self, deal_ids: pd.Series) -> Journeys:
        """The journeys of the won ones among some deals, by their eligible touches."""
        is_asked = pd.Index(self._journeys.deal_ids).isin(deal_ids)
        return self._journeys if is_asked.all() else self._journeys.only(is_asked)

    @cached_property
    def _journeys(self) -> Journeys:
        won = self.deals[self.deals["outcome"] == "won"]
        eligible = self.touches[self.touches["is_eligible"]]
        return Journeys.of(eligible.assign(partner_id=eligible["partner_id"].fillna(DIRECT)), won)


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
        players = players_of(bucket.deals, countable_touches(bucket.touches, bucket.deals), bucket.claims)
        whole, credit, drivers = Part(self, bucket), [], NO_DRIVERS
        for method, rows in todo.groupby("method", sort=True):
            part = whole if len(rows) == len(bucket.deals) else Part(self, bucket.of(rows["deal_id"]))
            if method == "shap":
                wins, drivers = part.by_shap()
            elif method == "model":
                wins = part.by_model
            elif method == "verified":
                wins = part.by_people()
            else:
                wins = path_credit(path_split(str(method), part.journeys, self.credit, self.paths), part.journeys)
            version = self.model_version if method in MODEL_METHODS else version_of_method(str(method))
            credit.append(credit_rows(wins, players, bucket.deals, str(method), version))
        return pd.concat(credit, ignore_index=True), drivers


@dataclass(frozen=True)
class Part:
    """The deals of a bucket that some methods are asked about, in the forms that these share."""

    scorer: Scorer
    bucket: Bucket

    @cached_property
    def journeys(self) -> Journeys:
        """The won deals' touches that rules and path methods count."""
        won = self.bucket.deals[self.bucket.deals["outcome"] == "won"]
        eligible = self.bucket.touches[self.bucket.touches["is_eligible"]]
        return Journeys.of(eligible.assign(partner_id=eligible["partner_id"].fillna(DIRECT)), won)

    @cached_property
    def values(self) -> Values:
        """The model with these deals at hand."""
        assert self.scorer.model is not None
        return Values(self.scorer.model, DealBatch.of(self.scorer.model, self.bucket.base, self.bucket.members))

    @cached_property
    def by_model(self) -> pd.DataFrame:
        """Coalition credit."""
        credit = self.scorer.credit
        return model_credit(
            self.values, exact_players=credit.exact_players, samples=credit.samples, seed=self.scorer.seed
        )

    def by_people(self) -> pd.DataFrame:
        """Of coalition credit what people stand behind."""
        return verified_credit(self.by_model, self.bucket.deals, self.bucket.claims)

    def by_shap(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """TreeSHAP's contributions as credit, and the largest of them for each deal."""
        assert self.scorer.model is not None
        values, batch = self.values, self.values.batch
        frame = values.with_all()
        contributions = self.scorer.model.contributions(frame)
        drivers = Drivers(frame, contributions, batch.members, batch.codes, self.scorer.model.extra_columns)
        return drivers.credit(values.of_all_partners()), drivers.rows(self.scorer.credit.drivers)


def _only(frame: pd.DataFrame, deal_ids: pd.Series) -> pd.DataFrame:
    return frame if frame.empty else frame[frame["deal_id"].isin(deal_ids)]


def _rows(connection: Any, query: str) -> pd.DataFrame:
    frame: pd.DataFrame = connection.execute(query).df()
    return frame
