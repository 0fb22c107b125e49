from __future__ import annotations

from features.assist.syntax import dense_names, dense_syntax


def test_counts_tell_actors_acts_and_marks() -> None:
    [row] = dense_syntax(["[PARTNER] introduced us to the buyer, and we will not call them."], ["internal"])
    counts = dict(zip(dense_names(), row.tolist(), strict=True))
    assert counts["n_partner_happened"] == 1
    assert counts["n_any_partner_introduce_happened"] == 1
    assert counts["n_we_denied"] == 1
    assert counts["n_any_partner_for_others"] == 1
    assert counts["n_any_partner_as_object"] == 1


def test_column_names_come_once() -> None:
    assert len(set(dense_names())) == len(dense_names())
