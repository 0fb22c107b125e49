"""The model of assists on disk: facts as JSON, names of features as packed JSON, numbers as NumPy arrays.

Reading a model runs no code of its files.
"""

from __future__ import annotations

import gzip
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from features.assist.taxonomy import taxonomy
from models.assist.classifier import THOUSAND, AssistClassifier, Linear
from models.assist.terms import Terms
from models.assist.thresholds import Thresholds
from models.calibration import PlattCalibrator
from models.persistence import FACTS, ArtifactError, whole

__all__ = ["FORMAT", "load", "save", "saved_encoder"]

FORMAT: Final = 1
"""Goes up with every change of what is saved, and of what a feature means."""
KIND: Final = "assist"
TERMS: Final = "terms.json.gz"
FREQUENCIES: Final = "frequencies.npy"
WEIGHTS: Final = "weights.npy.gz"


def save(model: AssistClassifier, directory: Path) -> None:
    """Writes the model into ``directory``, which is made when missing; the same model gives the same bytes."""
    directory.mkdir(parents=True, exist_ok=True)
    facts = {
        "format": FORMAT,
        "kind": KIND,
        "classes": list(taxonomy().ids),
        "families": list(model.linear.terms.known),
        "encoder": model.encoder,
        "intercepts": model.linear.rounded_intercepts(),
        "calibration": {"slope": model.calibrator.slope, "intercept": model.calibrator.intercept},
        "thresholds": asdict(model.thresholds),
    }
    (directory / FACTS).write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    names = json.dumps({family: list(known) for family, known in model.linear.terms.known.items()}, ensure_ascii=False)
    (directory / TERMS).write_bytes(gzip.compress(names.encode(), mtime=0))
    np.save(directory / FREQUENCIES, model.linear.terms.frequencies())
    packed = io.BytesIO()
    np.save(packed, model.linear.thousandths())
    (directory / WEIGHTS).write_bytes(gzip.compress(packed.getvalue(), mtime=0))


def load(directory: Path, encoder: str | None = None) -> AssistClassifier:
    """The model in ``directory``.

    ``encoder`` is the user's own encoder that is allowed to run: what a model's files name is never imported by itself.

    Raises
    ------
    ArtifactError
        When there is no model of assists, it was written by another version, or trained with another encoder.
    """
    facts = _facts(directory)
    if facts.get("encoder") != encoder:
        raise ArtifactError(
            f"The model in {directory} was trained with the encoder {facts.get('encoder')!r}, but the configured one "
            f"is {encoder!r}. Set assist.encoder to it, or train again with `partnerlift train --assist`."
        )
    with whole(directory):
        try:
            names = json.loads(gzip.decompress((directory / TERMS).read_bytes()))
            frequencies = np.load(directory / FREQUENCIES, allow_pickle=False).astype(np.float64)
            packed = io.BytesIO(gzip.decompress((directory / WEIGHTS).read_bytes()))
            weights = np.load(packed, allow_pickle=False).astype(np.float32) / THOUSAND
        except (OSError, ValueError, EOFError) as error:
            raise ArtifactError(f"The model in {directory} cannot be read ({error}). Train it again.") from error
        terms = _terms(facts["families"], names, frequencies)
        if weights.shape != (len(terms), len(facts["classes"])):
            raise ArtifactError(f"The model in {directory} has weights of shape {weights.shape}. Train it again.")
        linear = Linear(terms, weights, np.array(facts["intercepts"], dtype=np.float64))
        calibrator = PlattCalibrator(**facts["calibration"])
        return AssistClassifier(linear, calibrator, Thresholds(**facts["thresholds"]), encoder)


def saved_encoder(directory: Path) -> str | None:
    """Name of the user's own encoder with which the model in ``directory`` was trained."""
    found: str | None = _facts(directory).get("encoder")
    return found


def _facts(directory: Path) -> dict[str, Any]:
    try:
        facts = json.loads((directory / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{directory} holds no saved model ({error}). Train one with `partnerlift train --assist`."
        ) from error
    expected = {"format": FORMAT, "kind": KIND, "classes": list(taxonomy().ids)}
    found = {key: facts.get(key) for key in expected} if isinstance(facts, dict) else {}
    wrong = [key for key in expected if found.get(key) != expected[key]]
    if wrong:
        raise ArtifactError(
            f"The model in {directory} has another {wrong[0]} than this version reads ({found.get(wrong[0])!r}). "
            "Train again with `partnerlift train --assist`."
        )
    return dict(facts)


def _terms(families: list[str], names: dict[str, list[str]], frequencies: np.ndarray[Any, Any]) -> Terms:
    known = {family: tuple(names[family]) for family in families}
    ends = np.cumsum([len(features) for features in known.values()])
    if ends[-1] != len(frequencies):
        raise KeyError("frequencies")
    return Terms(known, dict(zip(families, np.split(frequencies, ends[:-1]), strict=True)))
