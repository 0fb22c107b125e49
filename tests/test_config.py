"""The configuration: defaults shown in full, all faults at once, unknown keys refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipelines.config import Config, ConfigError, load_config, parse_config


def test_the_shipped_default_file_is_the_default(root: Path) -> None:
    assert load_config(root / "configs" / "default.yaml") == Config()


def test_no_file_means_the_defaults() -> None:
    assert load_config(None) == Config()


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("")
    assert load_config(path) == Config()


def test_all_faults_are_told_at_once_with_their_places() -> None:
    values = {"sed": 1, "engine": {"threads": 0}, "cutoff": {"kind": "sometime"}, "report_currency": "euro"}
    with pytest.raises(ConfigError) as caught:
        parse_config(values, origin="my.yaml")
    message = str(caught.value)
    assert message.startswith("my.yaml: 4 fault(s)")
    assert all(place in message for place in ("sed: unknown key", "engine.threads", "cutoff.kind", "(is 'euro')"))


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Config().seed = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "is not valid YAML"), ("- 1\n- 2\n", "must hold keys and values, but holds a list")],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"Cannot read the config file nowhere\.yaml"):
        load_config(Path("nowhere.yaml"))


def test_a_cutoff_without_its_number_is_refused() -> None:
    config = parse_config({"cutoff": {"kind": "age_days"}})
    with pytest.raises(ValueError, match="days"):
        config.cutoff.to_cutoff()


def test_fewer_folds_than_cross_fitting_needs_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"outcome\.folds: Input should be greater than or equal to 3 \(is 2\)"):
        parse_config({"outcome": {"folds": 2}})
