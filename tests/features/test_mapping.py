"""The mapping file: what it may say, and how its faults are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from features.sources.errors import SourceError
from features.sources.mapping import Mapping, Value, load_mapping, parse_mapping

DEALS: dict[str, Any] = {
    "deal_id": "id",
    "account_id": "customer",
    "deal_type": {"constant": "new"},
    "created_at": "opened",
    "outcome": {"column": "result", "values": {"W": "won", "L": "lost"}},
}


def mapping(**deals: Any) -> dict[str, Any]:
    return {
        "timezone": "UTC",
        "files": {"crm": {"path": "crm.csv"}},
        "tables": [{"table": "deals", "from": "crm", "columns": DEALS | deals}],
    }


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_bare_text_names_a_source_column() -> None:
    assert parse_mapping(mapping()).tables[0].columns["deal_id"] == Value(column="id")


def test_all_faults_come_at_once_each_with_its_place() -> None:
    broken = mapping(amount={"column": "a", "numbr": {}}, x_a={"constant": "1", "column": "b"}) | {"timezone": "Mars"}
    with pytest.raises(SourceError) as error:
        parse_mapping(broken, "acme.yaml")
    text = str(error.value)
    assert text.startswith("acme.yaml: 3 fault(s): ")
    assert "timezone: there is no time zone 'Mars'" in text
    assert "tables.0.columns.amount.numbr: unknown key" in text
    assert "tables.0.columns.x_a: give exactly one of column, constant, join, hash, row, first" in text


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"colour": "c"}, "deals has no column 'colour'"),
        ({"outcome": {"column": "r", "values": {"W": "victory"}}}, "outcome cannot be victory; it is one of won, lost"),
        ({"deal_type": {"constant": "old"}}, "deal_type cannot be old"),
        ({"route": {"column": "r", "date": "%d-%m-%Y"}}, "route is not a time"),
        ({"route": {"column": "r", "number": {}}}, "route is not a number"),
        ({"created_at": {"column": "c", "date": "dd/mm/yyyy"}}, "'dd/mm/yyyy' is not a date format"),
        ({"created_at": {"column": "c", "date": "?"}}, "choose a date format"),
        ({"created_at": {"column": "c", "time": "24:00"}}, "should match pattern"),
        ({"outcome": {"column": "r", "otherwise": "open"}}, "otherwise needs values"),
        ({"outcome": {"constant": "?"}}, "'?' is still to be chosen"),
        ({"outcome": {"column": "r", "values": {"W": "?"}}}, "'?' is still to be chosen"),
        (
            {"amount": {"column": "a", "number": {"decimal": ",", "thousands": ","}}},
            "decimal and thousands are both ','",
        ),
        ({"created_at": {"first": ["a", "b"], "date": "%d-%m-%Y"}}, "state date inside the parts of first"),
        ({"created_at": {"join": ["a", {"column": "b", "date": "auto"}]}}, "state date beside join"),
        ({"amount": {"first": []}}, "need at least one part"),
        ({"amount": {"column": "a", "when": {"column": "b"}}}, "give exactly one of is, is_not, empty"),
    ],
)
def test_a_value_that_means_nothing_is_a_fault(columns: dict[str, Any], fault: str) -> None:
    with pytest.raises(SourceError) as error:
        parse_mapping(mapping(**columns))
    assert fault in str(error.value)


def test_missing_required_columns_are_named_together() -> None:
    without = mapping()
    del without["tables"][0]["columns"]["outcome"], without["tables"][0]["columns"]["created_at"]
    with pytest.raises(SourceError, match="deals needs created_at, outcome"):
        parse_mapping(without)


def test_an_unknown_table_and_an_unknown_file_are_faults() -> None:
    unknown = mapping()
    unknown["tables"][0]["table"] = "opportunities"
    with pytest.raises(SourceError, match="there is no table 'opportunities'; there are deals"):
        parse_mapping(unknown)
    unknown = mapping()
    unknown["tables"][0]["from"] = "erp"
    with pytest.raises(SourceError, match="tables use erp, which `files` does not have"):
        parse_mapping(unknown)


def test_a_file_joined_twice_needs_two_names() -> None:
    twice = mapping()
    twice["tables"][0]["joins"] = [{"file": "crm", "on": {"a": "b"}}] * 2
    with pytest.raises(SourceError, match="a file is joined twice; give it a second name in `files`"):
        parse_mapping(twice)


def test_rows_may_not_vanish_behind_only() -> None:
    partial = mapping()
    partial["tables"][0]["only"] = [{"column": "result", "is": "W"}]
    with pytest.raises(SourceError, match="would vanish unseen"):
        parse_mapping(partial)


def test_everything_is_text_without_quotes(tmp_path: Path) -> None:
    text = yaml.safe_dump(mapping()).replace("W: won", "Yes: won").replace("constant: new", "constant: new")
    text = text.replace("created_at: opened", "created_at: {constant: 2018-01-01}")
    loaded = load_mapping(written(tmp_path / "m.yaml", text))
    assert loaded.tables[0].columns["outcome"].values == {"Yes": "won", "L": "lost"}
    assert loaded.tables[0].columns["created_at"].constant == "2018-01-01"


def test_null_is_null_and_otherwise_may_be_null(tmp_path: Path) -> None:
    text = yaml.safe_dump(mapping(route="ROUTE"))
    text = text.replace("route: ROUTE", "route: {column: r, values: {Field: null}, otherwise: null}")
    value = load_mapping(written(tmp_path / "m.yaml", text)).tables[0].columns["route"]
    assert value.values == {"Field": None}
    assert value.has_otherwise
    assert value.otherwise is None


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "m.yaml", "timezone: UTC\ntimezone: UTC\n")
    with pytest.raises(SourceError, match="given twice: timezone"):
        load_mapping(path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: [", "is not valid YAML"),
        ("- a", "must hold the keys timezone, files and tables"),
        ("", "must hold the keys"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(SourceError, match=fault):
        load_mapping(written(tmp_path / "m.yaml", text))


def test_a_mapping_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"Cannot read the mapping .*No such file"):
        load_mapping(tmp_path / "none.yaml")


def test_shipped_mappings_hold(root: Path) -> None:
    shipped = sorted((root / "configs" / "mappings").glob("*.yaml"))
    assert [path.stem for path in shipped] == ["ibm_win_loss", "maven_crm", "olist_funnel", "salvirt_b2b"]
    assert all(isinstance(load_mapping(path), Mapping) for path in shipped)


def test_every_key_is_documented(root: Path) -> None:
    page = (root / "docs" / "mapping.md").read_text(encoding="utf-8")
    keys = {field.alias or key for model in _models(Mapping) for key, field in model.model_fields.items()}
    assert {key for key in keys if f"`{key}`" not in page} == set()


def test_the_documented_example_holds(root: Path, tmp_path: Path) -> None:
    page = (root / "docs" / "mapping.md").read_text(encoding="utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    assert len(load_mapping(written(tmp_path / "example.yaml", example)).tables) == 2


def _models(model: Any) -> list[Any]:
    from features.sources import mapping as module

    parts = [getattr(module, name) for name in module.__all__]
    return [part for part in parts if isinstance(part, type) and issubclass(part, module.Part)]
