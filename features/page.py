"""The page of all features, made from the registry."""

from __future__ import annotations

from typing import Final

from features.registry import COUNT, FEATURES, OWN, Feature, Level

_PAGE_HEAD: Final = """# Features

Generated from `features/registry.py`; change it there.

Every feature sees only what was known at its deal's cutoff: what happened, and was recorded, at or before it
(inclusive), and earlier deals that had closed strictly before it. **Base** features describe the deal and the vendor's
own team, a row a deal. **Member** features describe one partner on one deal. **Pooled** features add up a deal's
members; without members a sum or count is 0, and a minimum or maximum is missing. Spans are measured in whole seconds.
A name with `<kind>`, `<stage>`, `<partner_type>`, `<tier>` or `<covariate>` stands for one column each; kinds and tiers
are the most frequent ones in the data, in lower case, with `_` for everything but letters and digits.

⏳ marks a feature that grows with a deal's life or tells how far it came. With a cutoff at, or counted back from, the
close it can leak the outcome when lost deals die early; a landmark (`age_days`, `stage_entry`) is the cure, and
`touches_per_30_days` and `early_dose` are the forms that do not depend on how long the deal lived."""


def feature_page() -> str:
    """The page of all features, in Markdown."""
    lines = [_PAGE_HEAD]
    for title, rows in (("Base", _base_rows()), ("Member", _member_rows()), ("Pooled", _pooled_rows())):
        lines += [f"\n## {title}\n", "| name | level | unit | meaning |", "| --- | --- | --- | --- |", *rows]
    return "\n".join(lines) + "\n"


def _base_rows() -> list[str]:
    plain = [_line(_shown(f), "base", f.unit, f.meaning, f.ages) for f in FEATURES if f.level == "base"]
    own = [_line(OWN + _shown(f), "base", f.unit, f"Own team: {_lower(f.meaning)}", f.ages) for f in FEATURES if f.own]
    return plain + own


def _member_rows() -> list[str]:
    return [_line(_shown(f), "member", f.unit, f.meaning, f.ages) for f in FEATURES if f.level == "member"]


def _pooled_rows() -> list[str]:
    words = {"sum": "Sum", "min": "Least", "max": "Greatest"}
    rows = [_line(COUNT, "pooled", "partners", "Partners with a known touch.")]
    for feature in FEATURES:
        for pool in feature.pools:
            meaning = f"{words[pool]} over the partners: {_lower(feature.meaning)}"
            rows.append(_line(f"{_shown(feature)}_{pool}", "pooled", feature.unit, meaning, feature.ages))
    return rows


def _line(name: str, level: Level, unit: str, meaning: str, ages: bool = False) -> str:  # noqa: FBT001, FBT002
    return f"| `{name}`{' ⏳' if ages else ''} | {level} | {unit} | {meaning} |"


def _shown(feature: Feature) -> str:
    return feature.name.format(f"<{feature.each}>")


def _lower(meaning: str) -> str:
    return meaning[0].lower() + meaning[1:]
