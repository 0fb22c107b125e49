"""The doctor says in words what data cannot support, with the number."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.config import Config, parse_config
from pipelines.console import to_json
from pipelines.doctor import doctor
from pipelines.examinations import MODEL_DEALS
from pipelines.findings import DoctorReport, Finding, Level, Use
from pipelines.train import MIN_DEALS
from pipelines.workspace import Workspace

Factory = Callable[..., Workspace]


def deal(number: int, outcome: str = "won", **values: Any) -> dict[str, Any]:
    return {
        "deal_id": f"d{number}",
        "account_id": f"a{number}",
        "deal_type": "new",
        "amount": 100.0,
        "currency": "EUR",
        "created_at": "2024-01-01",
        "closed_at": None if outcome == "open" else "2024-04-10",
        "outcome": outcome,
    } | values


def touch(number: int, of: str = "d1", **values: Any) -> dict[str, Any]:
    return {
        "touchpoint_id": f"t{number}",
        "deal_id": of,
        "partner_id": "p1",
        "kind": "meeting",
        "occurred_at": "2024-02-01",
        "recorded_at": "2024-02-01",
    } | values


PARTNERS = [{"partner_id": "p1", "name": "Acme", "partner_type": "si"}]


def found(report: DoctorReport, words: str) -> Finding:
    (finding,) = [finding for finding in report.findings if words in finding.sentence]
    return finding


def test_an_empty_workspace_supports_nothing(workspace_of: Factory) -> None:
    report = doctor(workspace_of())
    assert all(report.obstacles(use) for use in Use)
    assert found(report, "There are no deals").level is Level.BLOCKER


def test_deals_are_counted_by_outcome(workspace_of: Factory) -> None:
    report = doctor(workspace_of(deals=[deal(1), deal(2, "lost"), deal(3, "open")]))
    assert found(report, "3 deals: 1 won, 1 lost, 1 open.").number == 3


def test_without_lost_deals_only_the_model_is_ruled_out(workspace_of: Factory) -> None:
    report = doctor(workspace_of(deals=[deal(1), deal(2)], partners=PARTNERS, touchpoints=[touch(1)]))
    assert report.obstacles(Use.MODEL) == ["There are no lost deals, so a model of winning cannot be trained."]
    assert not report.obstacles(Use.RULES)
    assert "no   Train a model of winning" in report.text()


def test_deals_of_one_account_rule_the_model_out_as_train_does(workspace_of: Factory) -> None:
    deals = [deal(n, "won" if n % 2 else "lost", account_id="a1") for n in range(2 * MODEL_DEALS)]
    report = doctor(workspace_of(deals=deals, partners=PARTNERS, touchpoints=[touch(1)]))
    (obstacle,) = report.obstacles(Use.MODEL)
    assert obstacle.startswith("All closed deals belong to one account")
    assert not report.obstacles(Use.RULES)


def test_a_cutoff_that_no_deal_reaches_rules_the_model_out_as_train_does(workspace_of: Factory) -> None:
    deals = [deal(n, "won" if n % 2 else "lost") for n in range(MODEL_DEALS)]
    workspace = workspace_of(deals=deals, partners=PARTNERS, touchpoints=[touch(1)])
    report = doctor(workspace, parse_config({"cutoff": {"kind": "stage_entry", "stage": "Proposl"}}))
    (obstacle,) = report.obstacles(Use.MODEL)
    assert obstacle.startswith("Of 50 closed deals 0 reach the cutoff stage_entry (Proposl)")
    assert not doctor(workspace).obstacles(Use.MODEL)


def test_too_few_deals_for_training_rule_the_model_out_as_train_does(workspace_of: Factory) -> None:
    report = doctor(workspace_of(deals=[deal(1), deal(2, "lost")], partners=PARTNERS, touchpoints=[touch(1)]))
    assert report.obstacles(Use.MODEL) == ["Only 2 closed deals; a model of winning needs at least 50."]
    assert MODEL_DEALS == MIN_DEALS
    assert found(report, "1 partner seen on closed deals (the partners table has 1), median 1 deal each")


def test_rows_that_ingest_would_have_rejected_are_counted(workspace_of: Factory) -> None:
    rows = [deal(1), deal(1, "lost"), deal(2, "Won"), deal(3, closed_at="2023-12-31"), deal(4)]
    report = doctor(workspace_of(deals=rows, partners=PARTNERS))
    told = found(report, "Of 5 row(s) of deals, 2 break the declaration of their table, 1 repeat the key of another.")
    assert "partnerlift ingest --from tables" in told.advice
    assert not [finding for finding in report.findings if "of partners, " in finding.sentence]


def test_without_touches_rules_and_partners_are_ruled_out(workspace_of: Factory) -> None:
    report = doctor(workspace_of(deals=[deal(1), deal(2, "lost")]))
    assert report.obstacles(Use.RULES) == ["No closed deal has a touch."]
    assert report.obstacles(Use.PARTNERS) == ["No closed deal has a partner's touch at or before its close."]


def test_touches_are_measured_against_the_moments_that_analysts_speak_of(workspace_of: Factory) -> None:
    report = doctor(workspace_of(deals=[deal(1), deal(2)], touchpoints=[touch(1), touch(2), touch(3)]))
    assert found(report, "1.5 recorded touches on average, against the 28 moments").number == 1.5
    assert found(report, "50 % of closed deals have no touch at all").level is Level.WARNING


def test_a_partner_on_every_deal_leaves_nothing_to_compare_with(workspace_of: Factory) -> None:
    finding = found(doctor(workspace_of(deals=[deal(1)], touchpoints=[touch(1)])), "have a partner's touch")
    assert finding.level is Level.WARNING
    assert "no deal without a partner" in finding.advice


def test_late_and_post_close_and_undated_touches_are_counted(workspace_of: Factory) -> None:
    touches = [
        touch(1, recorded_at="2024-04-11"),
        touch(2, occurred_at="2024-05-01", recorded_at="2024-05-01"),
        touch(3, recorded_at=None),
        touch(4, recorded_at="2024-04-10"),
    ]
    report = doctor(workspace_of(deals=[deal(1)], touchpoints=touches))
    assert found(report, "were recorded after it").number == 1
    assert found(report, "lie after their deal's close").number == 1
    assert found(report, "do not say when they were recorded").number == 1


def test_what_rules_do_with_late_entries_follows_the_config(workspace_of: Factory) -> None:
    workspace = workspace_of(deals=[deal(1)], touchpoints=[touch(1, recorded_at="2024-04-11")])
    assert "rules still count them" in found(doctor(workspace), "recorded after it").advice
    dropping = parse_config({"credit": {"late_entries": "drop"}})
    assert "rules drop them" in found(doctor(workspace, dropping), "recorded after it").advice


def test_lost_deals_that_die_early_call_for_a_landmark(workspace_of: Factory) -> None:
    deals = [deal(1), deal(2), deal(3, "lost", closed_at="2024-01-11"), deal(4, "lost", closed_at="2024-01-21")]
    finding = found(doctor(workspace_of(deals=deals)), "Lost deals end after 15 days (median), won ones after 100")
    assert finding.level is Level.WARNING
    assert "kind: age_days, days: 18" in finding.advice


def test_partners_unknown_to_the_partners_table_are_counted(workspace_of: Factory) -> None:
    workspace = workspace_of(deals=[deal(1)], partners=PARTNERS, touchpoints=[touch(1), touch(2, partner_id="p9")])
    assert found(doctor(workspace), "1 touch of partners that the partners table lacks").number == 1


@pytest.mark.parametrize(
    ("rows", "config", "words", "number"),
    [
        ([deal(1, amount=None), deal(2)], {}, "50 % of won deals have no amount", 0.5),
        ([deal(1, currency=None), deal(2)], {}, "have an amount without a currency", 1),
        ([deal(1), deal(2, currency="USD")], {}, "Won deals are in 2 currencies", 2),
        ([deal(1), deal(2, currency="USD")], {"report_currency": "EUR"}, "1 won deals have no fx_rate to EUR", 1),
    ],
)
def test_gaps_in_money_are_told(
    workspace_of: Factory, rows: list[dict[str, Any]], config: dict[str, Any], words: str, number: float
) -> None:
    assert found(doctor(workspace_of(deals=rows), parse_config(config)), words).number == number


def test_without_any_amount_money_is_ruled_out(workspace_of: Factory) -> None:
    assert doctor(workspace_of(deals=[deal(1, amount=None)])).obstacles(Use.MONEY) == ["No won deal has an amount."]


def test_unlinked_conversations_are_told(workspace_of: Factory) -> None:
    talk = {"conversation_id": "c1", "channel": "call", "started_at": "2024-02-01"}
    workspace = workspace_of(deals=[deal(1)], conversations=[talk])
    assert found(doctor(workspace), "100 % of conversations are linked to no deal").level is Level.WARNING


def test_the_gravest_finding_stands_first_and_json_says_the_same(workspace_of: Factory) -> None:
    report = doctor(workspace_of(deals=[deal(1), deal(2)], touchpoints=[touch(1)]), Config())
    levels = [list(Level).index(finding.level) for finding in report.findings]
    assert levels == sorted(levels, reverse=True)
    machine = json.loads(to_json(report.to_dict()))
    assert machine["supports"] == {"rules": True, "model": False, "partners": True, "money": True}
    assert [f["sentence"] for f in machine["findings"]] == [f.sentence for f in report.findings]


def test_the_quarter_of_a_close_that_train_leaves_out_is_not_suspected(workspace_of: Factory) -> None:
    at = {"won": {"closed_at": "2024-02-10"}, "lost": {"closed_at": "2024-08-10"}}
    deals = [deal(n, outcome, **at[outcome]) for n, outcome in enumerate(("won", "lost") * 60)]
    assert not [f for f in doctor(workspace_of(deals=deals)).findings if "cutoff_quarter" in f.sentence]
