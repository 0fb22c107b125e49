"""How good the outcome model is, as the last training wrote it down."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from features.shown import day
from pipelines.report.quality import read_json
from pipelines.report.views import CalibrationPoint, Kept, Leak, Metric, MetricRow, ModelQuality
from pipelines.workspace import Workspace

MOST_FEATURES: Final = 15

METRICS: Final = (
    ("roc_auc", "ROC-AUC", "how often a won deal is ranked above a lost one; 0.5 is a coin", True),
    ("pr_auc", "PR-AUC", "precision averaged over recall; the share of won deals is a coin", True),
    ("log_loss", "Log-loss", "how surprised the model is by what happened; lower is better", False),
    ("brier", "Brier score", "mean squared error of the probabilities; lower is better", False),
    ("ece", "Calibration error", "mean gap between predicted and observed shares; lower is better", False),
)
MODEL_LABELS: Final = {
    "model": "Outcome model",
    "outcome": "Outcome model",
    "prior": "Share won (no information)",
    "logistic": "Logistic regression, no partners",
    "logistic_without_partners": "Logistic regression, no partners",
    "logistic_with_partners": "Logistic regression with partners",
}


def model_quality(workspace: Workspace) -> ModelQuality | None:
    """What the last training found; ``None`` when nothing was trained."""
    evaluation = read_json(workspace.results / "evaluation.json")
    if not evaluation:
        return None
    metrics = _mapping(evaluation, "metrics")
    models = tuple(metrics)
    return ModelQuality(
        version=str(evaluation.get("model_version", "")),
        verdict=_sentences(evaluation.get("verdict")),
        n_test=int(_mapping(evaluation, "split").get("test_deals") or 0),
        has_signal=_is_better(_mapping(evaluation, "gain"), ("prior",)),
        beats_baselines=_is_better(_mapping(evaluation, "gain"), tuple(_mapping(evaluation, "gain"))),
        models=tuple(MODEL_LABELS.get(model, model.replace("_", " ")) for model in models),
        metrics=tuple(
            MetricRow(key, label, hint, tuple(_metric(metrics[model], key) for model in models), better)
            for key, label, hint, better in METRICS
            if any(_metric(metrics[model], key) for model in models)
        ),
        calibration=tuple(_calibration(workspace.results / "calibration.parquet")),
        importance=tuple(_importance(workspace.results / "importance.parquet")),
        leaks=tuple(_leaks(evaluation)),
        notes=_notes(evaluation),
        amount=_amount(_mapping(evaluation, "amount")),
        facts=tuple(_facts(evaluation)),
        kept=_kept(_mapping(evaluation, "selection")),
    )


def _mapping(values: dict[str, Any], key: str) -> dict[str, Any]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _sentences(verdict: object) -> tuple[str, ...]:
    if isinstance(verdict, str):
        return (verdict,) if verdict else ()
    return tuple(str(sentence) for sentence in verdict) if isinstance(verdict, list) else ()


def _metric(metrics: object, key: str) -> Metric | None:
    entry = metrics.get(key) if isinstance(metrics, dict) else None
    if isinstance(entry, dict) and _is_number(entry.get("value")):
        return Metric(float(entry["value"]), _number(entry.get("lo")), _number(entry.get("hi")))
    return Metric(float(entry)) if isinstance(entry, int | float) and _is_number(entry) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _calibration(path: Path) -> list[CalibrationPoint]:
    return [
        CalibrationPoint(
            float(row["predicted"]),
            float(row["observed"]),
            int(row["n"]),
            _number(row.get("observed_lo")),
            _number(row.get("observed_hi")),
        )
        for row in _rows(path, ("predicted", "observed", "n"))
    ]


def _importance(path: Path) -> list[tuple[str, float]]:
    rows = [(str(row["feature"]), float(row["importance"])) for row in _rows(path, ("feature", "importance"))]
    return sorted((row for row in rows if row[1] > 0), key=lambda row: (-row[1], row[0]))[:MOST_FEATURES]


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    table: pa.Table = pq.read_table(path)
    return table.to_pylist() if set(columns) <= set(table.column_names) else []


def _leaks(evaluation: dict[str, Any]) -> list[Leak]:
    found = evaluation.get("leaks")
    return [
        Leak(str(leak.get("column", "")), str(leak.get("reason", "")), bool(leak.get("allowed", False)))
        for leak in (found if isinstance(found, list) else [])
        if isinstance(leak, dict)
    ]


def _is_better(gain: dict[str, Any], baselines: tuple[str, ...]) -> bool:
    """Whether the intervals of the gains over those baselines lie above zero; true when none is recorded."""
    found = [_number(_mapping(gain, baseline).get("lo")) for baseline in baselines]
    return all(lo > 0 for lo in found if lo is not None)


def _notes(evaluation: dict[str, Any]) -> tuple[str, ...]:
    sentences = (_mapping(evaluation, "split").get("sentence"), _mapping(evaluation, "promotion").get("sentence"))
    return tuple(str(sentence) for sentence in sentences if sentence)


def _amount(amount: dict[str, Any]) -> tuple[str, ...]:
    sentence = amount.get("sentence")
    return ((str(sentence),) if sentence else ()) + _sentences(amount.get("verdict"))


def _kept(selection: dict[str, Any]) -> Kept | None:
    values = {name: _number(selection.get(name)) for name in Kept.__dataclass_fields__}
    found = {name: value for name, value in values.items() if value is not None}
    return Kept(**found) if len(found) == len(values) else None


def _facts(evaluation: dict[str, Any]) -> list[tuple[str, str]]:
    split = _mapping(evaluation, "split")
    facts = [
        ("model version", evaluation.get("model_version")),
        ("trained", _date(evaluation.get("trained_at"))),
        ("training deals", split.get("train_deals")),
        ("test deals", split.get("test_deals")),
        ("left out for an account on both sides", split.get("dropped_deals")),
        ("test deals closed from", _date(split.get("test_from"))),
        ("data fingerprint", evaluation.get("data_fingerprint")),
        ("code version", evaluation.get("code_version")),
    ]
    return [
        (name, f"{value:,}" if isinstance(value, int) else str(value)) for name, value in facts if value is not None
    ]


def _date(text: object) -> str | None:
    try:
        return day(datetime.fromisoformat(str(text))) if text else None
    except ValueError:
        return str(text)
