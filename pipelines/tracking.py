"""Runs, models and the champion in MLflow: a SQLite store in the workspace, or any URI that the configuration names.

Models are logged through ``models.pyfunc`` as JSON and LightGBM text; nothing is pickled.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlparse

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when MLflow is imported; a company's data are its own
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # a server that does not answer is soon told

import mlflow
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

from models.amount import AmountModel
from models.columns import is_categorical
from models.outcome import OutcomeModel
from pipelines.backfill import Registered
from pipelines.config import Config
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    from models.assist.classifier import AssistClassifier

OUTCOME: Final = "partnerlift-outcome"
AMOUNT: Final = "partnerlift-amount"
ASSIST: Final = "partnerlift-assist"
CHAMPION: Final = "champion"
CHAMPION_SINCE: Final = "partnerlift.champion_since"
"""Tag of a registered version: the moments at which it became the champion, in ISO 8601, divided by commas."""
CONTENT: Final = "partnerlift.model_version"
"""Tag of a registered version: the model's own version, as ``credits.model_version`` has it."""
DATABASE: Final = "mlflow.db"
ARTIFACTS: Final = "mlartifacts"
SAVED: Final = "saved_model"
REGISTRY_VARIABLE: Final = "MLFLOW_REGISTRY_URI"
"""MLflow itself leaves its registry here for child processes."""
_LOUD: Final = ("mlflow", "alembic", "sqlalchemy.pool")


class NoChampionError(ValueError):
    """No model has been trained for this workspace yet, or its files are gone; the message says what to do."""


@dataclass(frozen=True)
class Run:
    """An MLflow run that is being written; ``example`` are a few rows of the frame that its models predict from."""

    run_id: str
    folder: Path

    def params(self, values: Mapping[str, Any]) -> None:
        """Logs parameters; values longer than MLflow takes are cut."""
        mlflow.log_params({key: str(value)[:500] for key, value in values.items()})

    def metrics(self, values: Mapping[str, float]) -> None:
        """Logs numbers."""
        mlflow.log_metrics(dict(values))

    def document(self, values: Mapping[str, Any], name: str) -> None:
        """Logs a JSON or YAML document, by the suffix of ``name``."""
        mlflow.log_dict(dict(values), name)

    def file(self, path: Path, folder: str | None = None) -> None:
        """Logs a file."""
        mlflow.log_artifact(str(path), folder)

    def model(self, model: OutcomeModel | AmountModel, name: str, example: pd.DataFrame) -> str:
        """Logs and registers a model under ``name`` with its signature and input example; returns its version there."""
        saved = self.folder / name / SAVED
        model.save(saved)
        return self._registered(saved, name, _plain(example), model.version)

    def assist_model(self, model: AssistClassifier, beside: Mapping[str, pd.DataFrame]) -> str:
        """The same for a model of assists; ``beside`` are tables that are kept in its folder, by their file names."""
        from models.assist.persistence import save  # brings spaCy, which only this needs

        saved = self.folder / ASSIST / SAVED
        save(model, saved)
        for name, table in beside.items():
            table.to_parquet(saved / name, index=False)
        return self._registered(saved, ASSIST, _turns_example(), model.version, "models.assist_pyfunc")

    def _registered(
        self, saved: Path, name: str, example: pd.DataFrame, version: str, loader: str = "models.pyfunc"
    ) -> str:
        with redirect_stderr(StringIO()):  # MLflow prints what it registered, beside its log
            info = mlflow.pyfunc.log_model(
                name=name,
                loader_module=loader,
                data_path=str(saved),
                signature=_signature(example),
                input_example=example,
                pip_requirements=["partnerlift"],
                registered_model_name=name,
                metadata={"model_version": version},
            )
        number = str(info.registered_model_version)
        mlflow.MlflowClient().set_model_version_tag(name, number, CONTENT, version)
        return number


@contextmanager
def tracked_run(workspace: Workspace, config: Config, tags: Mapping[str, str]) -> Iterator[Run]:
    """A new run in the configured experiment; it ends as failed when the block raises."""
    with _store(workspace, config), tempfile.TemporaryDirectory() as folder:
        experiment = _experiment(workspace, config)
        with mlflow.start_run(experiment_id=experiment, tags=dict(tags)) as run:
            yield Run(run.info.run_id, Path(folder))


def promote(workspace: Workspace, config: Config, name: str, version: str, now: datetime | None = None) -> None:
    """Makes a version of a registered model its champion, and records when, for ``versions``; None means now."""
    with _store(workspace, config) as client:
        before = client.get_registered_model(name).aliases.get(CHAMPION)
        if before is not None:
            _note_earlier(client, client.get_model_version(name, before))
        moments = [*_moments(client.get_model_version(name, version)), now or datetime.now(UTC)]
        text = ",".join(moment.isoformat(timespec="microseconds") for moment in moments)
        client.set_model_version_tag(name, version, CHAMPION_SINCE, text)
        client.set_registered_model_alias(name, CHAMPION, version)


def versions(workspace: Workspace, config: Config) -> list[Registered]:
    """The registered outcome models, oldest first; raises ``NoChampionError`` when there is none.

    A champion whose promotion was not recorded, because an earlier release made it, counts as one since it was
    registered.
    """
    _check_store(workspace, config)
    with _store(workspace, config) as client:
        try:
            champion = str(client.get_registered_model(OUTCOME).aliases.get(CHAMPION))
        except MlflowException as error:
            raise _no_champion(workspace) from error
        found = sorted(client.search_model_versions(f"name = '{OUTCOME}'"), key=lambda version: int(version.version))
        return [
            _registered(workspace, client, version, is_champion=str(version.version) == champion) for version in found
        ]


def load_version(workspace: Workspace, config: Config, number: str) -> OutcomeModel:
    """The outcome model of that number in the registry; raises as ``load_champion`` does."""
    with _store(workspace, config) as client:
        try:
            folder = _saved_folder(workspace, client, client.get_model_version(OUTCOME, number))
        except MlflowException as error:
            raise NoChampionError(
                f"The files of version {number} of {OUTCOME} are gone ({' '.join(str(error).split())}). "
                "Choose another version with --model, or train again with `partnerlift train`."
            ) from error
    return OutcomeModel.load(folder, threads=model_threads(config))


def load_champion(workspace: Workspace, config: Config) -> OutcomeModel:
    """The champion of the outcome models.

    Raises ``NoChampionError`` when there is none or its files are gone, and ``models.persistence.ArtifactError`` when
    it was saved in a format that this version does not read.
    """
    return OutcomeModel.load(champion_folder(workspace, config, OUTCOME), threads=model_threads(config))


def load_amount_champion(workspace: Workspace, config: Config) -> AmountModel:
    """The champion of the amount models; raises as ``load_champion`` does."""
    return AmountModel.load(champion_folder(workspace, config, AMOUNT), threads=model_threads(config))


def champion_folder(workspace: Workspace, config: Config, name: str) -> Path:
    """Folder of the saved files of a registered model's champion; raises ``NoChampionError`` when there is none."""
    _check_store(workspace, config)
    with _store(workspace, config) as client:
        try:
            version = client.get_model_version_by_alias(name, CHAMPION)
            return _saved_folder(workspace, client, version)
        except MlflowException as error:
            raise _no_champion(workspace) from error


def model_threads(config: Config) -> int:
    """LightGBM threads: as many as the engine may use, at most 4, since more only spin on data of this size."""
    return min(config.engine.threads or os.cpu_count() or 1, 4)


def _check_store(workspace: Workspace, config: Config) -> None:
    if config.tracking.uri is None and not (workspace.root / DATABASE).is_file():
        raise _no_champion(workspace)


def _registered(
    workspace: Workspace, client: mlflow.MlflowClient, version: ModelVersion, *, is_champion: bool
) -> Registered:
    content = version.tags.get(CONTENT)
    if content is None:  # registered by an earlier release
        content = OutcomeModel.load(_saved_folder(workspace, client, version)).version
    moments = _moments(version) or ((_created(version),) if is_champion else ())
    return Registered(str(version.version), content, moments)


def _note_earlier(client: mlflow.MlflowClient, champion: ModelVersion) -> None:
    """Records that a champion of an earlier release, which did not note promotions, was one since its registration."""
    if not _moments(champion):
        client.set_model_version_tag(
            champion.name, champion.version, CHAMPION_SINCE, _created(champion).isoformat(timespec="microseconds")
        )


def _moments(version: ModelVersion) -> tuple[datetime, ...]:
    text = version.tags.get(CHAMPION_SINCE, "")
    return tuple(datetime.fromisoformat(moment) for moment in text.split(",") if moment)


def _created(version: ModelVersion) -> datetime:
    return datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)


def _no_champion(workspace: Workspace) -> NoChampionError:
    return NoChampionError(
        f"There is no trained model for {workspace.root}. "
        f"Train one with `partnerlift train --workspace {workspace.root}`."
    )


def _saved_folder(workspace: Workspace, client: mlflow.MlflowClient, version: ModelVersion) -> Path:
    """Where the version's files are: in the workspace's own folder, also after it has been moved, or downloaded."""
    uri = client.get_model_version_download_uri(version.name, version.version)
    path = Path(unquote(urlparse(uri).path)) if urlparse(uri).scheme in {"", "file"} else None
    if path is not None and not path.exists() and ARTIFACTS in path.parts:
        path = workspace.root / Path(*path.parts[path.parts.index(ARTIFACTS) :])
    if path is None or not path.exists():
        path = Path(mlflow.artifacts.download_artifacts(f"models:/{version.name}/{version.version}"))
    return path / "data" / SAVED


@contextmanager
def _store(workspace: Workspace, config: Config) -> Iterator[mlflow.MlflowClient]:
    """A client of the configured store, which is MLflow's own as well while the block runs, and quiet."""
    root = workspace.root.resolve()
    uri = config.tracking.uri or f"sqlite:///{root / DATABASE}"
    tracking_before = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None  # type: ignore[no-untyped-call]
    registry_before = os.environ.get(REGISTRY_VARIABLE)
    levels = {name: logging.getLogger(name).level for name in _LOUD}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow and SQLAlchemy warn of each other's ways; nothing a user could mend
        for name in _LOUD:
            logging.getLogger(name).setLevel(logging.ERROR)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        try:
            yield mlflow.MlflowClient(uri, uri)
        finally:
            mlflow.set_tracking_uri(tracking_before)  # type: ignore[arg-type]
            mlflow.set_registry_uri(registry_before or "")
            if registry_before is None:
                os.environ.pop(REGISTRY_VARIABLE, None)
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


def _experiment(workspace: Workspace, config: Config) -> str:
    found = mlflow.get_experiment_by_name(config.tracking.experiment)
    if found is not None:
        return str(found.experiment_id)
    folder = (workspace.root.resolve() / ARTIFACTS).as_uri() if config.tracking.uri is None else None
    return str(mlflow.create_experiment(config.tracking.experiment, artifact_location=folder))


def _turns_example() -> pd.DataFrame:
    """What the registered form of a model of assists is asked (``models.assist_pyfunc``)."""
    texts = ["How did you hear about us?", "Rook Security told us about you."]
    columns = {"conversation_id": "c", "seq": [0.0, 1.0], "speaker_org": ["internal", "customer"]}
    told = pd.DataFrame({**columns, "partner": "Rook Security", "text": texts})
    return told.astype({name: object for name in told if name != "seq"})


def _plain(example: pd.DataFrame) -> pd.DataFrame:
    """Text as objects and numbers as float, the two kinds that a signature needs."""
    return pd.DataFrame(
        {
            str(name): column.astype("string").astype(object).where(column.notna(), None)
            if is_categorical(column)
            else pd.to_numeric(column).astype("float64")
            for name, column in example.items()
        }
    )


def _signature(example: pd.DataFrame) -> ModelSignature:
    inputs: list[ColSpec | TensorSpec] = [
        ColSpec("string" if column.dtype == object else "double", str(name), required=False)
        for name, column in example.items()
    ]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec("double")]))
