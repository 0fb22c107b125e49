"""The doctor's examinations: each looks at one side of the data and returns its findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import duckdb

from features.sources.sqltext import parquet
from features.tables import TABLES
from pipelines.config import Config
from pipelines.findings import Finding, Level, Use
from pipelines.misleading import one_sided, unknown_names
from pipelines.unchecked import unchecked
from pipelines.workspace import Workspace

FEW_DEALS: Final = 50
MODEL_DEALS: Final = 50
"""Closed deals below which ``pipelines.train`` fits no model."""
ENOUGH_DEALS: Final = 10
TOUCHES_OF_A_DEAL: Final = 28
"""Moments of influence on a B2B purchase that analysts of partner ecosystems commonly speak of."""
SHORT_SPAN_DAYS: Final = 365
EARLY_DEATH: Final = 0.75
ALL: Final = tuple(Use)

Connection = duckdb.DuckDBPyConnection


def deals(connection: Connection, _workspace: Workspace, _config: Config) -> Iterator[Finding]:
    """How many deals there are, won, lost and open, and whether winning can be learned from them."""
    total, won, lost, still_open, accounts = _row(
        connection,
        "SELECT count(*), count(*) FILTER (outcome = 'won'), count(*) FILTER (outcome = 'lost'), "
        "count(*) FILTER (outcome = 'open'), count(DISTINCT account_id) FILTER (outcome <> 'open') FROM deals",
    )
    if total == 0:
        yield Finding(
            "deals",
            Level.BLOCKER,
            "There are no deals.",
            0,
            "Ingest a table of deals: nothing can be credited without one.",
            ALL,
        )
        return
    yield Finding(
        "deals", Level.OK, f"{_counted(total, 'deal')}: {won:,} won, {lost:,} lost, {still_open:,} open.", total
    )
    if won == 0:
        yield Finding("deals", Level.BLOCKER, "No deal was won.", 0, "Check how `outcome` was mapped.", ALL)
    elif lost == 0:
        yield Finding(
            "deals",
            Level.BLOCKER,
            "There are no lost deals, so a model of winning cannot be trained.",
            0,
            "Export lost deals as well; until then, credit by rules: score --methods first_touch,linear.",
            (Use.MODEL,),
        )
    elif won + lost < MODEL_DEALS:
        yield Finding(
            "deals",
            Level.BLOCKER,
            f"Only {_counted(won + lost, 'closed deal')}; a model of winning needs at least {MODEL_DEALS}.",
            won + lost,
            "Until then, credit by rules: score --methods first_touch,linear.",
            (Use.MODEL,),
        )
    elif accounts == 1:
        yield Finding(
            "deals",
            Level.BLOCKER,
            "All closed deals belong to one account; a model of winning is tested on accounts that it has not seen.",
            accounts,
            "Check how `account_id` was mapped; until then, credit by rules: score --methods first_touch,linear.",
            (Use.MODEL,),
        )
    elif min(won, lost) < FEW_DEALS:
        yield Finding(
            "deals",
            Level.WARNING,
            f"Only {_counted(min(won, lost), 'lost deal' if lost < won else 'won deal')}.",
            min(won, lost),
            f"With fewer than {FEW_DEALS} of each, expect the model to be no better than its baselines.",
        )


def span(connection: Connection, _workspace: Workspace, _config: Config) -> Iterator[Finding]:
    """Over what time the deals closed, and whether lost ones live much shorter than won ones."""
    first, last, days = _row(
        connection,
        "SELECT min(closed_at)::DATE, max(closed_at)::DATE, date_diff('day', min(closed_at), max(closed_at)) "
        "FROM deals WHERE outcome <> 'open'",
    )
    if days is None:
        return
    if first == last:
        advice = "Nothing can be judged in the order of time: check how `closed_at` was mapped."
        yield Finding("span", Level.WARNING, f"All closed deals have one close date, {first}.", 0, advice)
        return
    short = days < SHORT_SPAN_DAYS
    yield Finding(
        "span",
        Level.NOTE if short else Level.OK,
        f"Closed deals span {days:,} days, {first} to {last}.",
        days,
        "Less than a year: seasons cannot be told from change." if short else "",
    )
    won, lost, quarter = _row(
        connection,
        "SELECT median(age) FILTER (outcome = 'won'), median(age) FILTER (outcome = 'lost'), "
        "quantile_cont(age, 0.25) FROM (SELECT outcome, epoch(closed_at - created_at) / 86400 AS age FROM deals "
        "WHERE outcome <> 'open')",
    )
    if won and lost is not None and lost < EARLY_DEATH * won:
        yield Finding(
            "span",
            Level.WARNING,
            f"Lost deals end after {lost:.0f} days (median), won ones after {won:.0f}.",
            round(lost / won, 3),
            "Touches that a lost deal did not live to receive then look like a reason for winning. Compare deals at "
            f"one age: set cutoff: {{kind: age_days, days: {max(1, round(quarter))}}} in the configuration.",
        )


def partners(connection: Connection, _workspace: Workspace, _config: Config) -> Iterator[Finding]:
    """How many partners there are and on how many closed deals each was seen."""
    closed, total = _row(
        connection, "SELECT (SELECT count(*) FROM deals WHERE outcome <> 'open'), (SELECT count(*) FROM partners)"
    )
    if closed == 0:
        return
    seen, enough, middle = _row(
        connection,
        f"SELECT count(*), count(*) FILTER (n >= {ENOUGH_DEALS}), median(n) FROM (SELECT count(*) AS n "
        f"FROM ({_players(connection)}) GROUP BY partner_id)",
    )
    if seen == 0:
        yield Finding(
            "partners",
            Level.BLOCKER,
            "No closed deal has a partner's touch at or before its close.",
            0,
            "Ingest touchpoints with their partner_id: without them all credit is the own team's.",
            (Use.PARTNERS,),
        )
        return
    thin = enough < seen / 2
    yield Finding(
        "partners",
        Level.WARNING if thin else Level.OK,
        f"{_counted(seen, 'partner')} seen on closed deals (the partners table has {total:,}), median "
        f"{_counted(round(middle), 'deal')} each; {enough:,} with at least {ENOUGH_DEALS}.",
        enough,
        "What is said of the others rests mostly on partners of their type." if thin else "",
    )
    (unknown,) = _row(
        connection,
        "SELECT count(*) FROM touchpoints WHERE partner_id IS NOT NULL "
        "AND partner_id NOT IN (SELECT partner_id FROM partners)",
    )
    if unknown:
        yield Finding(
            "partners",
            Level.WARNING,
            f"{_counted(unknown, 'touch', 'touches')} of partners that the partners table lacks.",
            unknown,
            "They count, but without name and type. Ingest the missing partners.",
        )


def coverage(connection: Connection, _workspace: Workspace, _config: Config) -> Iterator[Finding]:
    """How densely deals are covered by touches."""
    closed, touched, by_partner, per_won = _row(
        connection,
        "SELECT count(*), count(*) FILTER (n > 0), count(*) FILTER (deal_id IN (SELECT deal_id FROM "
        f"({_players(connection)}))), avg(n) FILTER (outcome = 'won') FROM (SELECT deal_id, outcome, "
        "count(touchpoint_id) AS n FROM deals LEFT JOIN touchpoints USING (deal_id) WHERE outcome <> 'open' "
        "GROUP BY deal_id, outcome)",
    )
    if not closed:
        return
    if not touched:
        yield Finding(
            "coverage",
            Level.BLOCKER,
            "No closed deal has a touch.",
            0,
            "Ingest touchpoints: rules have nothing to divide by.",
            (Use.RULES,),
        )
        return
    if per_won is not None:
        yield Finding(
            "coverage",
            Level.NOTE if per_won < TOUCHES_OF_A_DEAL else Level.OK,
            f"A won deal has {per_won:.1f} recorded touches on average, against the {TOUCHES_OF_A_DEAL} moments of a "
            "B2B purchase that analysts speak of.",
            round(per_won, 2),
            "What is not recorded cannot be credited." if per_won < TOUCHES_OF_A_DEAL else "",
        )
    bare = closed - touched
    if bare:
        level = Level.WARNING if bare > closed / 5 else Level.NOTE
        advice = "Rules give such a won deal to the own team whole."
        yield Finding(
            "coverage", level, f"{_share(bare, closed)} of closed deals have no touch at all.", bare / closed, advice
        )
    if by_partner:
        everywhere = by_partner == closed
        yield Finding(
            "coverage",
            Level.WARNING if everywhere else Level.OK,
            f"{_share(by_partner, closed)} of closed deals have a partner's touch.",
            by_partner / closed,
            "There is no deal without a partner to compare with: the model guesses what the own team alone would do."
            if everywhere
            else "",
        )


def late(connection: Connection, _workspace: Workspace, config: Config) -> Iterator[Finding]:
    """Touches entered or made after the close, and touches whose entry time is unknown."""
    total, late_entries, after, undated = _row(
        connection,
        "SELECT count(*), count(*) FILTER (occurred_at <= closed_at AND recorded_at > closed_at), "
        "count(*) FILTER (occurred_at > closed_at), count(*) FILTER (recorded_at IS NULL) "
        "FROM touchpoints JOIN deals USING (deal_id) WHERE outcome <> 'open'",
    )
    if late_entries:
        counted = "still count them" if config.credit.late_entries == "count" else "drop them"
        yield Finding(
            "late entries",
            Level.WARNING if late_entries > total / 20 else Level.NOTE,
            f"{late_entries:,} touches ({_share(late_entries, total)}) are dated before their deal closed but were "
            "recorded after it.",
            late_entries,
            f"The model never sees them; rules {counted} (credit.late_entries). Ask who entered them and why.",
        )
    if after:
        yield Finding(
            "late entries",
            Level.NOTE,
            f"{after:,} touches ({_share(after, total)}) lie after their deal's close.",
            after,
            "They earn no credit for the win.",
        )
    if undated:
        yield Finding(
            "late entries",
            Level.NOTE,
            f"{undated:,} touches ({_share(undated, total)}) do not say when they were recorded.",
            undated,
            "Late entries among them cannot be told: export recorded_at if the system has it.",
        )


def money(connection: Connection, _workspace: Workspace, config: Config) -> Iterator[Finding]:
    """Amounts, currencies and exchange rates of won deals."""
    won, no_amount, no_currency, currencies = _row(
        connection,
        "SELECT count(*), count(*) FILTER (amount IS NULL), count(*) FILTER (amount IS NOT NULL AND currency IS NULL), "
        "count(DISTINCT currency) FROM deals WHERE outcome = 'won'",
    )
    if won and no_amount == won:
        yield Finding("money", Level.BLOCKER, "No won deal has an amount.", 0, "Ingest `amount`.", (Use.MONEY,))
        return
    if no_amount:
        sentence = f"{_share(no_amount, won)} of won deals have no amount."
        yield Finding("money", Level.WARNING, sentence, no_amount / won, "Their wins are credited, their money is not.")
    if no_currency:
        sentence = f"{no_currency:,} won deals have an amount without a currency."
        yield Finding("money", Level.WARNING, sentence, no_currency, "They are added up apart. Ingest `currency`.")
    target = config.report_currency
    if target is None and currencies > 1:
        yield Finding(
            "money",
            Level.NOTE,
            f"Won deals are in {currencies} currencies.",
            currencies,
            "Totals are kept for each. For one total, set report_currency and ingest fx_rate.",
        )
    if target is not None:
        (lacking,) = _row(
            connection,
            "SELECT count(*) FROM deals WHERE outcome = 'won' AND amount IS NOT NULL AND fx_rate IS NULL "
            f"AND currency IS DISTINCT FROM '{target}'",
        )
        if lacking:
            sentence = f"{lacking:,} won deals have no fx_rate to {target}."
            yield Finding("money", Level.WARNING, sentence, lacking, "They stay in their own currency.")


def links(connection: Connection, workspace: Workspace, _config: Config) -> Iterator[Finding]:
    """Conversations that belong to no deal, a missing stage history, and rows that the last ingest rejected."""
    conversations, unlinked = _row(connection, "SELECT count(*), count(*) FILTER (deal_id IS NULL) FROM conversations")
    if unlinked:
        sentence = f"{_share(unlinked, conversations)} of conversations are linked to no deal."
        advice = "What partners do in them is credited to none."
        yield Finding("links", Level.WARNING, sentence, unlinked / conversations, advice)
    if not workspace.has("stage_history"):
        advice = "The cutoff stage_entry cannot be used."
        yield Finding("links", Level.NOTE, "There is no stage history.", None, advice)
    for name in TABLES:
        path = workspace.rejects / f"{name}.parquet"
        if path.exists():
            (rejected,) = _row(connection, f"SELECT count(*) FROM {parquet([path])}")
            if rejected:
                sentence = f"The last ingest rejected {rejected:,} row(s) of {name}."
                advice = f"See why: partnerlift export rejects/{name} --out rejects.csv."
                yield Finding("rejects", Level.NOTE, sentence, rejected, advice)


def reached(connection: Connection, _workspace: Workspace, config: Config) -> Iterator[Finding]:
    """Whether enough closed deals reach the configured cutoff for ``train`` to fit a model."""
    (closed,) = _row(connection, "SELECT count(*) FILTER (outcome <> 'open') FROM deals")
    if closed < MODEL_DEALS:
        return
    from features.cutoff import cutoffs
    from features.inputs import inputs_from

    cutoff, inputs = config.cutoff.to_cutoff(), inputs_from(connection)
    n = int(cutoffs(inputs.deals, inputs.stage_history, cutoff).count().execute())
    if n < MODEL_DEALS:
        yield Finding(
            "cutoff",
            Level.BLOCKER,
            f"Of {closed:,} closed deals {n:,} reach the cutoff {cutoff.words}; "
            f"a model of winning needs at least {MODEL_DEALS}.",
            n,
            "Check the cutoff in the configuration, or choose another.",
            (Use.MODEL,),
        )


def leaks(connection: Connection, _workspace: Workspace, config: Config) -> Iterator[Finding]:
    """Columns that look filled in at, or after, the close; ``train`` refuses them."""
    won, lost = _row(
        connection, "SELECT count(*) FILTER (outcome = 'won'), count(*) FILTER (outcome = 'lost') FROM deals"
    )
    if min(won, lost) < FEW_DEALS:
        return
    from features.frame import base, frame_spec
    from features.inputs import inputs_from
    from models.leaks import suspected_leaks
    from pipelines.visible import left_out

    inputs = inputs_from(connection)
    spec = frame_spec(inputs, config.cutoff.to_cutoff(), config.report_currency)
    frame = base(inputs, spec).execute()
    unseen = left_out(spec, config, frame.columns)
    suspected = suspected_leaks(frame, (frame["outcome"] == "won").to_numpy(dtype="float64"), unseen)
    for column in sorted({leak.column for leak in suspected}):
        of_column = [leak for leak in suspected if leak.column == column]
        yield Finding(
            "leaks",
            Level.WARNING,
            " ".join(["Suspected leak.", *(leak.sentence for leak in of_column)]),
            of_column[0].value,
            f"train bars it, unless told --allow-leak {column}.",
        )


def _players(connection: Connection) -> str:
    """SQL of the partners that have part in each closed deal."""
    import ibis

    from features.coalitions import players
    from features.inputs import inputs_from

    return str(ibis.to_sql(players(inputs_from(connection)), dialect="duckdb"))


def _row(connection: Connection, sql: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] = connection.execute(sql).fetchall()[0]
    return row


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _share(part: int, whole: int) -> str:
    share = 100 * part / whole
    return f"{share:.0f} %" if share >= 1 else f"{share:.1f} %"


EXAMINATIONS: Final[tuple[Callable[[Connection, Workspace, Config], Iterator[Finding]], ...]] = (
    deals,
    span,
    partners,
    coverage,
    one_sided,
    unknown_names,
    late,
    money,
    links,
    unchecked,
    reached,
    leaks,
)
