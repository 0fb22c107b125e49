"""The page of features."""

from __future__ import annotations

from features.page import feature_page
from features.registry import FEATURES


def test_the_page_tells_every_feature_and_how_it_is_pooled() -> None:
    page = feature_page()
    for feature in FEATURES:
        shown = feature.name.format(f"<{feature.each}>")
        names = [shown, *(f"{shown}_{pool}" for pool in feature.pools), *([f"own_{shown}"] if feature.own else [])]
        for name in names:
            assert page.count(f"| `{name}`") == 1, name
    assert "| `touches_sum` ⏳ | pooled | touches | Sum over the partners: touches. |" in page
