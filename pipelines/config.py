"""The configuration: YAML in, frozen models out, all faults in one error.

Defaults stand here and nowhere else; ``configs/default.yaml`` shows them all and a test keeps the two equal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from features.cutoff import Cutoff
from features.directory import OwnCompany
from features.eligible import Eligibility, MilestoneStages
from models.rules import FULL_PATH, U_SHAPE, W_SHAPE, Part, RuleSettings

ModelT = TypeVar("ModelT", bound=BaseModel)
Method = Literal[
    "model",
    "shap",
    "first_touch",
    "last_touch",
    "linear",
    "time_decay",
    "u_shape",
    "w_shape",
    "full_path",
    "markov",
    "shapley_paths",
    "verified",
]
Days = Annotated[float, Field(gt=0, lt=1e6)]
Weights = dict[Part, Annotated[float, Field(ge=0, lt=1e9)]]
_WEIGHTS: Final = "Of first, lead, opportunity, last and middle; first must be above 0."


class ConfigError(ValueError):
    """A configuration file that cannot be used; the message lists every fault with its place in the file."""


class Section(BaseModel):
    """Base of every section: frozen, and an unknown key is a fault (most are typing errors)."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EngineConfig(Section):
    """What runs the features and the scoring, and within which limits."""

    kind: Literal["duckdb", "spark"] = Field(
        "duckdb", description="What `score` runs on: this machine, or a Spark cluster (docs/spark.md)."
    )
    spark: dict[str, str] = Field(
        {}, description="Settings of a Spark session that `score` starts, e.g. `spark.master`."
    )
    memory: str = Field(
        "2GB", pattern=r"^\d+(\.\d+)?\s*(MB|GB|MiB|GiB)$", description="Memory limit of the query engine."
    )
    threads: int | None = Field(
        None,
        ge=1,
        description="Threads of the query engine; null means all cores. Of them ingest takes 2 at most, and the model "
        "1 for a few thousand deals and 4 at most.",
    )


class CutoffConfig(Section):
    """The moment up to which a deal's touchpoints are known to the features."""

    kind: Literal["at_close", "days_before_close", "stage_entry", "age_days"] = Field(
        "at_close", description="Which moment."
    )
    days: float | None = Field(None, ge=0, description="Days before close, or age of the deal in days (a landmark).")
    stage: str | None = Field(None, description="The stage whose first entry is the moment.")

    def to_cutoff(self) -> Cutoff:
        """The features' own form of it; raises ``ValueError`` when the kind lacks its ``days`` or ``stage``."""
        return Cutoff(self.kind, self.days, self.stage)


class OutcomeConfig(Section):
    """The outcome model."""

    test_share: float = Field(
        0.2, gt=0, lt=0.9, description="Latest share of the closed deals, kept for the evaluation."
    )
    folds: int = Field(5, ge=3, le=20, description="Account-grouped folds of the cross-fitted model.")
    ignore: tuple[str, ...] = Field((), description="Columns of `deals` that the model must not see.")
    allow_leak: tuple[str, ...] = Field((), description="Columns to keep although the leak doctor suspects them.")
    monotone: dict[str, Literal[-1, 1]] = Field({}, description="Feature name to the only direction it may push.")
    params: dict[str, int | float | str | bool] = Field(
        {}, description="LightGBM parameters that replace the defaults."
    )
    most_deals: int | None = Field(
        300_000,
        ge=1000,
        description="Most closed deals that are learned from; of more, whole accounts are drawn by a hash. Null means "
        "all, for about 5 KiB of memory a deal.",
    )
    residual_rounds: int = Field(
        0,
        ge=0,
        le=2000,
        description="Most trees that may correct the model by pooled partner features, where they surely predict "
        "better. Credit is not the better for it, and slower.",
    )
    hidden_selection: float = Field(
        0.5,
        ge=0,
        le=5,
        description="How strongly promise that no column shows is taken to draw partners: 0 not at all, 1 as strongly "
        "as what the deal's facts show. It moves credit from partners to the own team, and no prediction.",
    )
    tune_trials: int = Field(0, ge=0, le=500, description="Optuna trials; 0 keeps the parameters.")
    bootstrap: int = Field(500, ge=50, description="Bootstrap samples for the intervals of the evaluation.")


class CreditConfig(Section):
    """How credit is divided."""

    methods: tuple[Method, ...] = Field(
        ("model", "shap", "first_touch", "last_touch", "linear"),
        min_length=1,
        description="Methods that `score` computes.",
    )
    model: str = Field(
        "champion",
        min_length=1,
        description="The model that scores a deal: champion, in-force (the champion of the time when the deal closed), "
        "or a version.",
    )
    exact_players: int = Field(
        10, ge=1, le=14, description="Most partners on a deal for which all coalitions are evaluated."
    )
    samples: int = Field(512, ge=16, description="Sampled orders for a deal with more partners.")
    drivers: int = Field(
        12,
        ge=1,
        description="Largest SHAP contributions that are kept for each deal; the others are added up by player.",
    )
    late_entries: Literal["count", "drop"] = Field(
        "count", description="Whether rules count a touch that was recorded after the deal had closed."
    )
    eligible_kinds: tuple[str, ...] = Field((), description="Kinds of touch that rules count; empty means all.")
    lookback_days: Days | None = Field(
        None, description="Days before the close beyond which rules do not count a touch; null means no limit."
    )
    lookback_days_by_kind: dict[str, Days] = Field(
        {}, description="Kind of touch to its own `lookback_days`, in place of the general one."
    )
    last_touch_scope: Literal["any", "partner"] = Field(
        "any", description="Whose last touch `last_touch` credits; partner means the last non-direct touch."
    )
    half_life_days: Days = Field(
        30.0, description="Days before a deal's last touch at which a touch weighs half as much in `time_decay`."
    )
    u_shape: Weights = Field(dict(U_SHAPE), description=f"Weights of `u_shape`, on any scale. {_WEIGHTS}")
    w_shape: Weights = Field(dict(W_SHAPE), description=f"Weights of `w_shape`. {_WEIGHTS}")
    full_path: Weights = Field(dict(FULL_PATH), description=f"Weights of `full_path`. {_WEIGHTS}")
    lead_stage: str | None = Field(
        None, description="Stage whose first entry is the lead's creation; null means the deal's first lead."
    )
    opportunity_stage: str | None = Field(
        None, description="Stage whose first entry is the opportunity's creation; null means the deal's creation."
    )
    markov_order: int = Field(1, ge=1, le=6, description="Latest touches that make a state of the chain of `markov`.")
    markov_removal: Literal["to_null", "fail", "renormalise"] = Field(
        "to_null",
        description="What becomes of journeys when `markov` removes a player: one that comes to it is lost there; "
        "every won one that has it is lost; or one goes where else it could have gone.",
    )
    shapley_value: Literal["conversions", "rate"] = Field(
        "conversions",
        description="What a set of players is worth in `shapley_paths`: the won deals inside it, or their share of the "
        "closed ones.",
    )
    period: Literal["month", "quarter", "year"] = Field("quarter", description="Period of `partner_scores`.")
    chunk_deals: int = Field(5000, ge=1, description="About how many deals are scored, and saved, in one step.")

    @field_validator("u_shape", "w_shape", "full_path")
    @classmethod
    def _has_a_first(cls, weights: dict[str, float]) -> dict[str, float]:
        if not weights.get("first", 0.0) > 0:
            raise ValueError("first needs a weight above 0, because a first touch is all that every deal has")
        return weights

    def eligibility(self) -> Eligibility:
        """Which touches rules and path methods count."""
        return Eligibility(self.eligible_kinds, self.lookback_days, self.lookback_days_by_kind, self.late_entries)

    def rule_settings(self) -> RuleSettings:
        """What the rules are told."""
        return RuleSettings(self.half_life_days, self.last_touch_scope, self.u_shape, self.w_shape, self.full_path)

    def milestone_stages(self) -> MilestoneStages:
        """Where a deal's milestones are found."""
        return MilestoneStages(self.lead_stage, self.opportunity_stage)


class CompanyConfig(Section):
    """By what the own company's people are known in conversations."""

    domains: tuple[str, ...] = Field((), description="E-mail domains, e.g. `acme.com`.")
    names: tuple[str, ...] = Field((), description="Names that may stand behind a speaker's, as in `Ann (Acme)`.")

    def to_own(self) -> OwnCompany:
        """The features' own form of it."""
        return OwnCompany(self.domains, self.names)


class AssistConfig(Section):
    """How moments in which a partner helped are found in conversations."""

    model: Literal["champion", "shipped"] = Field(
        "champion",
        description="The model that judges: the champion of `train --assist` (the shipped one while there is none), or "
        "the shipped one.",
    )
    threshold: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Probability of an assist from which on it is a moment; null means the model's own thresholds.",
    )
    floor: float = Field(
        0.1, ge=0, le=1, description="Probability of an assist from which on what is no moment is kept as a signal."
    )
    redact: bool = Field(
        default=False,
        description="Replace people's names, phone numbers, e-mail and postal addresses in stored quotes.",
    )
    encoder: str | None = Field(
        None,
        pattern=r"^[\w.]+:\w+$",
        description="A sentence encoder of your own for `train --assist`, as package.module:callable, from texts to an "
        "array with a row a text; null means the shipped features alone. Models trained with one need it to judge.",
    )
    folds: int = Field(
        5, ge=2, le=20, description="Folds of whole authors and conversations in which `train --assist` is evaluated."
    )
    review_weight: float = Field(
        1.0, gt=0, le=100, description="Weight of a reviewer's judgement against a labelled turn of the shipped text."
    )
    bootstrap: int = Field(500, ge=50, description="Bootstrap samples for the intervals of the evaluation.")
    chunk_utterances: int = Field(
        5000, ge=1, description="About how many utterances are judged, and their moments saved, in one step."
    )


class TrackingConfig(Section):
    """Where MLflow keeps runs and models."""

    uri: str | None = Field(None, description="MLflow tracking URI; null means SQLite in the workspace.")
    experiment: str = Field("partnerlift", min_length=1, description="MLflow experiment name.")


class OutputConfig(Section):
    """The database in which `score` keeps the result tables equal to the workspace's."""

    url: SecretStr | None = Field(
        None,
        description="`duckdb:///FILE` or an URL of SQLAlchemy's, e.g. `postgresql://user@host/name`; null means none. "
        "It is never shown or logged; better still, set PARTNERLIFT_PUBLISH in its place.",
    )
    into: str | None = Field(None, min_length=1, description="Schema of the database; null means its default.")
    tables: tuple[str, ...] = Field(
        (), description="Tables to publish, e.g. `credits`; empty means every result table that is there."
    )


class SmtpConfig(Section):
    """The mail server that takes messages."""

    host: str = Field("", description="The mail server's name.")
    port: int = Field(587, ge=1, le=65535, description="Its port: 587 with starttls, 465 with ssl.")
    security: Literal["starttls", "ssl", "none"] = Field(
        "starttls", description="How the connection is kept secret; with none, nobody logs in."
    )
    user: str | None = Field(
        None,
        description="User to log in as; the password stands in PARTNERLIFT_SMTP_PASSWORD alone. Null means no log-in.",
    )
    ca_file: Path | None = Field(None, description="Certificates to trust in place of the system's.")


class ChannelsConfig(Section):
    """How messages reach the owners of deals."""

    kind: Literal["file", "smtp", "webhook", "none"] = Field(
        "file", description="Files in a folder, a mail server, a chat's webhook, or none, so that questions wait."
    )
    folder: Path | None = Field(None, description="Folder of kind file; null means outbox in the workspace.")
    sender: str = Field("partnerlift@localhost", description="From whom, e.g. `Partner team <partners@example.com>`.")
    addresses: dict[str, SecretStr] = Field(
        {},
        description="Deal owner (e-mail address or id) to where messages go instead: an e-mail address, or for the "
        "webhook a member's id, `@name`, or a webhook of their own.",
    )
    smtp: SmtpConfig = SmtpConfig()
    webhook: SecretStr | None = Field(
        None,
        description="Slack-compatible webhook, https or on this machine. Everybody in its room sees the links. It is "
        "never shown or logged; better still, set PARTNERLIFT_REVIEW_WEBHOOK in its place.",
    )
    timeout_seconds: float = Field(20.0, gt=0, le=300, description="How long each step of a delivery may take.")
    send_hour: int = Field(
        8, ge=0, le=23, description="Hour (UTC) from which a page that is served sends the day's messages."
    )


class ReviewConfig(Section):
    """The page on which people judge moments, and its database."""

    url: SecretStr | None = Field(
        None,
        description="Database of judgements: `postgresql://user@host/name` or `sqlite:///FILE`; null means review.db "
        "in the workspace. It is never shown or logged; better still, set PARTNERLIFT_REVIEW_URL in its place.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address on which the page listens.")
    port: int = Field(8765, ge=0, le=65535, description="Port on which the page listens; 0 means any free one.")
    base_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="Where people reach the page, for links in messages; null means http://host:port.",
    )
    session_hours: float = Field(12.0, gt=0, le=720, description="Hours after which people have to log in again.")
    link_days: float = Field(14.0, gt=0, le=365, description="Days for which a link to a deal's owner is valid.")
    remind_days: float = Field(
        3.0, gt=0, le=365, description="Days after which an owner who has not answered is reminded."
    )
    most_reminders: int = Field(2, ge=0, le=10, description="Most reminders of one question.")
    header: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9-]+$",
        description="Request header in which a proxy says who somebody is, e.g. `X-Forwarded-User`; null means log-in "
        "with a password.",
    )
    proxies: tuple[str, ...] = Field(
        ("127.0.0.1", "::1"), description="Addresses of proxies from which that header is believed."
    )
    attempts_per_minute: int = Field(
        10, ge=1, description="Log-ins and answers by link from one address; further ones are refused."
    )
    requests_per_minute: int = Field(1200, ge=1, description="Requests of one user or address.")
    sync_seconds: float = Field(
        60.0, ge=1, le=86_400, description="How often a serving page looks for changes of the workspace."
    )
    second_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of judged moments that a second reviewer is asked about, to measure agreement.",
    )
    channels: ChannelsConfig = ChannelsConfig()


class Config(Section):
    """Everything that a run can be told."""

    seed: int = Field(0, ge=0, description="Seed of everything random.")
    report_currency: str | None = Field(None, pattern=r"^[A-Z]{3}$", description="Currency of the report's totals.")
    company: CompanyConfig = CompanyConfig()
    engine: EngineConfig = EngineConfig()
    cutoff: CutoffConfig = CutoffConfig()
    outcome: OutcomeConfig = OutcomeConfig()
    credit: CreditConfig = CreditConfig()
    assist: AssistConfig = AssistConfig()
    tracking: TrackingConfig = TrackingConfig()
    output: OutputConfig = OutputConfig()
    review: ReviewConfig = ReviewConfig()
    metrics: tuple[Path, ...] = Field(
        (), description="Files for the metrics of each `score`, also of one that fails: .prom (Prometheus) or .json."
    )


def load_config(path: Path | None = None) -> Config:
    """The configuration in a YAML file, or the defaults.

    Raises ``ConfigError`` with all faults at once, each with its place, value and what is allowed.
    """
    if path is None:
        return Config()
    return parse_config(read_yaml(path), origin=str(path))


def parse_config(values: dict[str, Any], origin: str = "config") -> Config:
    """The configuration in a mapping; ``origin`` names it in errors."""
    return validated(Config, values, origin)


def validated(model: type[ModelT], values: dict[str, Any], origin: str) -> ModelT:
    """``values`` as the model; raises ``ConfigError`` that lists every fault with its path."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {_faults(error)}") from error


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; raises ``ConfigError`` when it is missing, not YAML or not a mapping."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Cannot read the config file {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} must hold keys and values, but holds a {type(values).__name__}.")
    return values


def _faults(error: ValidationError) -> str:
    faults = []
    for fault in error.errors():
        place = ".".join(str(part) for part in fault["loc"]) or "(top)"
        shown = "" if fault["type"] in {"missing", "extra_forbidden"} else f" (is {fault['input']!r})"
        message = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"]
        faults.append(f"{place}: {message}{shown}")
    return f"{len(faults)} fault(s): " + "; ".join(faults)
