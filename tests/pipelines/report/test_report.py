from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.tables import DIRECT
from pipelines.config import Config
from pipelines.report import report
from pipelines.report.board import board
from pipelines.report.data import read
from pipelines.report.source import open_source
from pipelines.workspace import Workspace, WorkspaceError

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """The ids, links, words and unclosed elements of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values[name] or "" for name in ("href", "src", "action", "srcset") if name in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open = self.open[:-1] if tag not in VOID else self.open

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "script"}:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def made(workspace: Workspace, tmp_path: Path, **settings: Any) -> Page:
    deals = settings.pop("deals", 8)
    path = report(workspace, Config(**settings), out=tmp_path / "out" / "report.html", deals=deals, now=NOW)
    return Page(path.read_text(encoding="utf-8"))


def only_deals(company: Any) -> Any:
    company.partners = company.touchpoints = company.credits = pd.DataFrame()
    company.results = {}
    return company


def test_whole_report_is_one_well_formed_file_whose_links_all_lead_somewhere(company: Any, tmp_path: Path) -> None:
    page = made(company.write(tmp_path / "w"), tmp_path)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    inside = [link for link in page.links if link.startswith("#")]
    assert {link[1:] for link in inside} <= set(page.ids)
    assert [link for link in page.links if not link.startswith("#")] == ["data:,"]


def test_report_has_every_part_that_is_promised(company: Any, tmp_path: Path) -> None:
    page = made(company.write(tmp_path / "w"), tmp_path)
    parts = {"summary", "leaderboard", "methods", "partners", "deals", "model", "data", "definitions"}
    assert parts <= set(page.ids)
    for words in (
        "What not to conclude", "Influence is not proof of cause.", "Northwind Systems", "Rank correlation",
        "Who did what, when", "Does 60% mean 60%?", "x_closed_by", "closed_at lies before created_at", "Late entry",
        "Model version 3f9c2a71", "touches demo count",
    ):  # fmt: skip
        assert words in page.text, words


@pytest.mark.slow
def test_same_tables_give_the_same_bytes_whatever_the_order_of_their_rows(company: Any, tmp_path: Path) -> None:
    first = report(company.write(tmp_path / "a"), Config(), now=NOW).read_bytes()
    for name in ("deals", "partners", "touchpoints", "credits"):
        setattr(company, name, getattr(company, name).sample(frac=1, random_state=3))
    assert report(company.write(tmp_path / "b"), Config(), now=NOW).read_bytes() == first


def test_text_from_the_data_cannot_become_markup_or_turn_the_page_around(company: Any, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>\"'\u202egnp.exe\u2066"
    company.partners.loc[0, "name"] = hostile
    company.deals["name"] = company.deals["name"] + hostile
    company.deals.loc[:, "segment"] = "{{ 7 * 7 }}" + hostile
    company.touchpoints["kind"] = company.touchpoints["kind"] + hostile
    odd = {identifier: f"{identifier}\"'><b>/ü" for identifier in company.deals["deal_id"]}
    for table in (company.deals, company.touchpoints, company.credits):
        table["deal_id"] = table["deal_id"].map(odd)
    page = made(company.write(tmp_path / "w"), tmp_path)
    assert page.open == []
    assert page.tags.count("script") == 1
    assert "alert(1)" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert not set("\u202e\u2066") & set(page.text)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", identifier) for identifier in page.ids)


def test_workspace_with_deals_alone_gets_a_report_that_says_what_is_missing(company: Any, tmp_path: Path) -> None:
    page = made(only_deals(company).write(tmp_path / "w"), tmp_path)
    assert "No credit has been computed." in page.text
    assert "No partner is known to have touched a closed deal." in page.text
    assert "No model has been evaluated." in page.text
    assert "No partner took part." in page.text
    assert "No touch by a partner on a closed deal is known" in page.text


def test_empty_workspace_gets_a_report_that_asks_for_deals(tmp_path: Path) -> None:
    page = made(Workspace.open(tmp_path / "w", create=True), tmp_path)
    assert "There are no closed deals." in page.text
    assert page.open == []


def test_deals_that_are_all_open_are_no_reason_to_fail(company: Any, tmp_path: Path) -> None:
    only_deals(company).deals["outcome"] = "open"
    page = made(company.write(tmp_path / "w"), tmp_path)
    assert "No deal has closed yet: 40 open deals" in page.text


@pytest.mark.parametrize("absent", ["partners", "touchpoints", "credits"])
def test_report_does_without_any_one_table(company: Any, absent: str, tmp_path: Path) -> None:
    setattr(company, absent, pd.DataFrame())
    page = made(company.write(tmp_path / "w"), tmp_path)
    assert page.open == []
    if absent == "partners":
        assert "partners appear by their ids" in page.text


def test_deals_without_amounts_are_credited_in_wins_alone(company: Any, tmp_path: Path) -> None:
    company.deals["amount"] = None
    company.credits = company.credits[company.credits["target"] == "win"]
    page = made(company.write(tmp_path / "w"), tmp_path)
    assert "The deals carry no amounts" in page.text
    assert "No closed deal has an amount" in page.text


def test_amounts_in_several_currencies_are_shown_apart(company: Any, tmp_path: Path) -> None:
    company.deals.loc[::2, "currency"] = "EUR"
    page = made(company.write(tmp_path / "w"), tmp_path)
    assert "several currencies that cannot be converted" in page.text
    assert re.search(r"worth [€$][\d.]+[Mk] \+ [€$][\d.]+[Mk]", page.text)


@pytest.mark.slow
def test_amounts_without_a_currency_are_said_to_have_none(company: Any, tmp_path: Path) -> None:
    company.deals.loc[::2, "currency"] = "XXX"
    assert "(no currency)" in made(company.write(tmp_path / "some"), tmp_path).text
    company.deals["currency"] = None
    page = made(company.write(tmp_path / "none"), tmp_path).text
    assert "The deals name no currency" in page
    assert "XXX" not in page


def test_an_amount_of_a_trillion_yen_has_room(company: Any, tmp_path: Path) -> None:
    deal = company.credits.loc[company.credits["target"] == "amount", "deal_id"].iloc[0]
    is_large = company.credits["deal_id"].eq(deal) & company.credits["target"].eq("amount")
    company.deals.loc[company.deals["deal_id"] == deal, ["amount", "currency"]] = [1e12, "JPY"]
    company.credits.loc[is_large, "credit"] = company.credits.loc[is_large, "share"] * 1e12
    page = made(company.write(tmp_path / "w"), tmp_path)
    assert "¥1,000B" in page.text


def test_amounts_are_converted_where_a_rate_to_the_report_currency_is_known(company: Any, tmp_path: Path) -> None:
    won = company.deals["outcome"] == "won"
    company.deals.loc[::2, ["currency", "fx_rate"]] = ["EUR", 2.0]
    rate = company.deals["fx_rate"].fillna(1.0)
    with_rates = read(company.write(tmp_path / "w"), Config(report_currency="USD"), deals=5, made_at=NOW)
    expected = round((company.deals["amount"] * rate)[won].sum() * 100)
    assert with_rates.totals.won_money.cents("USD") == pytest.approx(expected, abs=60)
    assert with_rates.totals.won_money.is_single


def test_printed_lines_add_up_to_the_printed_totals(company: Any, tmp_path: Path) -> None:
    found = read(company.write(tmp_path / "w"), Config(), deals=5, made_at=NOW)
    printed = board(found)
    assert printed.own is not None
    for method in found.methods:
        lines = sum(line.standing.shown[method] for line in printed.lines)
        assert round(lines, found.places) == printed.partner_wins[method]
        total = lines + printed.own.standing.shown[method]
        assert total == pytest.approx(found.totals.n_scored_won)
    cents = [
        int(re.sub(r"[^\d]", "", line.amount) or 0) * (-1 if "\u2212" in line.amount else 1) for line in printed.lines
    ]
    assert sum(cents) == int(re.sub(r"[^\d]", "", printed.partner_amount))


def test_front_page_figures_are_those_of_the_leaderboard(company: Any, tmp_path: Path) -> None:
    found = read(company.write(tmp_path / "w"), Config(), deals=5, made_at=NOW)
    assert found.front.figures[0][1] == f"{board(found).partner_wins['model']:.{found.places}f}"


def test_credited_wins_equal_the_sum_of_shares_over_won_deals(company: Any, tmp_path: Path) -> None:
    found = read(company.write(tmp_path / "w"), Config(), deals=5, made_at=NOW)
    rows = company.credits[(company.credits["method"] == "model") & (company.credits["target"] == "win")]
    won = rows["deal_id"].map(company.deals.set_index("deal_id")["outcome"]) == "won"
    expected = rows[won & (rows["partner_id"] != DIRECT)].groupby("partner_id")["share"].sum()
    assert {s.partner.partner_id: s.wins for s in found.standings if s.wins} == pytest.approx(expected.to_dict())


def test_ends_of_a_partners_interval_are_the_sums_of_those_of_its_won_deals(company: Any, tmp_path: Path) -> None:
    found = read(company.write(tmp_path / "w"), Config(), deals=40, made_at=NOW)
    rows = company.credits[(company.credits["method"] == "model") & (company.credits["partner_id"] != DIRECT)]
    won = rows["deal_id"].map(company.deals.set_index("deal_id")["outcome"]) == "won"
    wins, money = (rows[won & (rows["target"] == target)] for target in ("win", "amount"))
    lowest = (wins["share"] * wins["credit_lo"] / wins["credit"]).groupby(wins["partner_id"]).sum()
    assert {s.partner.partner_id: s.interval.lo for s in found.standings if s.interval} == pytest.approx(
        lowest.to_dict()
    )
    highest = money.groupby("partner_id")["credit_hi"].sum()
    shown = {s.partner.partner_id: s.money_interval.hi.cents("USD") / 100 for s in found.standings if s.money_interval}
    assert shown == pytest.approx(highest.to_dict(), abs=0.5)
    partner = next(player for page in found.deal_pages for player in page.players if not player.is_own)
    assert partner.interval is not None
    assert (partner.interval.lo, partner.interval.hi) == pytest.approx((partner.credit - 0.05, partner.credit + 0.05))


def test_report_gives_face_value_credit_and_other_assumptions(company: Any, tmp_path: Path) -> None:
    page = made(company.write(tmp_path / "w"), tmp_path).text
    assert page.count("At face value partners would have") == 1
    assert "How much of the credit is the partners' own" in page
    assert "hidden ones as assumed: the credit in this report" in page


def test_assumptions_of_a_model_that_did_not_score_are_not_laid_on_its_credit(company: Any, tmp_path: Path) -> None:
    company.results["evaluation.json"]["model_version"] = "newer"
    page = made(company.write(tmp_path / "w"), tmp_path).text
    assert "At face value" not in page
    assert "Partners may be drawn to good deals." in page
    assert "Partners keep 80% of what coincides with them" in page


def test_credit_without_intervals_is_shown_without_them(company: Any, tmp_path: Path) -> None:
    company.credits = company.credits.drop(columns=["credit_lo", "credit_hi"])
    found = read(company.write(tmp_path / "w"), Config(), deals=5, made_at=NOW)
    assert not [standing for standing in found.standings if standing.interval or standing.money_interval]


def test_lost_deal_has_a_page_with_its_credit(company: Any, tmp_path: Path) -> None:
    found = read(company.write(tmp_path / "w"), Config(), deals=40, made_at=NOW)
    lost = next(page for page in found.deal_pages if page.outcome == "lost" and len(page.players) > 1)
    assert lost.total == pytest.approx(sum(player.credit for player in lost.players))
    assert lost.sentence.startswith("Lost on")


def test_touch_recorded_after_the_close_is_marked_as_late(company: Any, tmp_path: Path) -> None:
    closed = company.touchpoints["deal_id"].map(company.deals.set_index("deal_id")["closed_at"])
    happened, recorded = company.touchpoints["occurred_at"], company.touchpoints["recorded_at"]
    found = read(company.write(tmp_path / "w"), Config(), deals=40, made_at=NOW)
    assert found.data.n_late == int(((happened <= closed) & (recorded > closed)).sum())
    assert found.data.n_after_close == int((happened > closed).sum())


def test_rules_alone_lead_the_report_when_no_model_has_scored(company: Any, tmp_path: Path) -> None:
    company.credits = company.credits[company.credits["method"].isin(["first_touch", "linear"])]
    company.results = {}
    page = made(company.write(tmp_path / "w"), tmp_path)
    assert "All of this follows the First touch rule" in page.text
    assert "Rules give credit for won deals only." in page.text


def test_model_without_any_partner_credits_the_own_team_with_everything(company: Any, tmp_path: Path) -> None:
    company.partners = company.touchpoints = pd.DataFrame()
    company.credits = company.credits[company.credits["partner_id"] == DIRECT]
    page = made(company.write(tmp_path / "w"), tmp_path)
    assert re.search(r"All of the \$[\d.]+[Mk] won is credited to the own team\.", page.text)
    assert "No partner is known to have touched a closed deal." in page.text


def test_one_method_alone_is_said_to_have_nothing_to_compare_with(company: Any, tmp_path: Path) -> None:
    company.credits = company.credits[company.credits["method"] == "model"]
    assert "there is nothing to compare" in made(company.write(tmp_path / "w"), tmp_path).text


def test_method_with_few_deals_is_left_out_of_the_comparison_by_name(company: Any, tmp_path: Path) -> None:
    few = company.credits[company.credits["method"] == "linear"].head(6).assign(method="verified")
    company.credits = pd.concat([company.credits, few])
    page = made(company.write(tmp_path / "w"), tmp_path)
    assert "Left out, because they cover fewer of these deals: Verified" in page.text


def test_closed_deals_without_credit_are_counted(company: Any, tmp_path: Path) -> None:
    company.credits = company.credits[company.credits["deal_id"] != "D-0001"]
    page = made(company.write(tmp_path / "w"), tmp_path)
    assert "1 of 40 closed deals have no credit" in page.text


def test_partners_beyond_the_limit_are_added_up_in_one_line(
    company: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.report.data.MOST_PARTNERS", 5)
    found = read(company.write(tmp_path / "w"), Config(), deals=1, made_at=NOW)
    assert len(found.standings) == len(found.partner_pages) == 5
    assert found.rest is not None
    assert found.rest.partner.name == "7 more partners"
    assert sum(s.wins for s in found.standings) + found.rest.wins == pytest.approx(found.totals.partner_wins)


def test_results_of_another_shape_are_passed_over(company: Any, tmp_path: Path) -> None:
    company.results = {
        "evaluation.json": {"metrics": {"model": {"roc_auc": None}}, "leaks": "none", "verdict": None},
        "ingest.json": ["no mapping"],
        "calibration.parquet": pd.DataFrame({"other": [1]}),
    }
    assert made(company.write(tmp_path / "w"), tmp_path).open == []


def test_no_pages_of_deals_when_none_are_wanted(company: Any, tmp_path: Path) -> None:
    page = made(company.write(tmp_path / "w"), tmp_path, deals=0)
    assert not [identifier for identifier in page.ids if identifier.startswith("deal-")]


def test_negative_number_of_deals_is_refused(company: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be 0 or more, but is -1"):
        report(company.write(tmp_path / "w"), Config(), deals=-1)


def test_place_that_cannot_be_written_is_named(company: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="Give another --out"):
        report(company.write(tmp_path / "w"), Config(), out=tmp_path / "file" / "report.html")


def test_report_stands_in_the_workspace_when_no_place_is_named(company: Any, tmp_path: Path) -> None:
    assert report(company.write(tmp_path / "w"), Config()) == tmp_path / "w" / "report.html"


@pytest.mark.slow
def test_report_on_six_thousand_deals_is_small_and_quick(companies: Callable[[int, int], Any], tmp_path: Path) -> None:
    import time

    workspace = companies(6000, 50).write(tmp_path / "w")
    start = time.process_time()
    path = report(workspace, Config(), now=NOW)
    assert time.process_time() - start < 20
    assert path.stat().st_size < 8_000_000


def test_converted_cents_of_a_deal_add_up_to_the_deal(company: Any, tmp_path: Path) -> None:
    company.deals["currency"], company.deals["fx_rate"] = "EUR", 1 / 3
    with open_source(company.write(tmp_path / "w"), Config(report_currency="USD")) as source:
        gaps = source.records(
            "SELECT deal_id, method, sum(k.cents) - any_value(c.cents) AS gap FROM credit k JOIN closed c "
            "USING (deal_id) WHERE k.cents IS NOT NULL GROUP BY ALL"
        )
    assert len(gaps) > 20
    assert all(row["gap"] == 0 for row in gaps)
