"""A large made-up company as canonical tables, straight to Parquet: for speed, not for the recovery of any truth.

    python benchmarks/company.py WORKSPACE --deals 1000000

Deals are created over five years and have 28 touches each, 40 % of them the own team's. Some partners come often and
most seldom; 6 % of the deals have more than 4 partners and 3 in 10,000 have 13. Outcomes hang on the deal, its partners
and chance. The same numbers give the same tables. Deals are written in parts, so that memory does not grow with them.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Final

import duckdb

TOUCHES_PER_DEAL: Final = 28
PART_DEALS: Final = 50_000
DEALS_AN_ACCOUNT: Final = 4
GAP_SECONDS: Final = 200 * 86_400
"""What lies between the company's deals and later ones; no deal lives longer."""

_SIZES: Final = {0: 2000, 1: 4800, 2: 7000, 3: 8500, 4: 9400, 5: 9700, 6: 9860, 7: 9940, 8: 9980, 9: 9990, 10: 9997}
"""Partners on a deal, and in how many of 10,000 deals there are at most so many; the rest has 13."""

_MACROS: Final = """
CREATE MACRO draw(what, i) AS hash(i::BIGINT * 4096 + what);
CREATE MACRO dice(what, i) AS (draw(what, i) >> 11)::DOUBLE / 9007199254740992.0;
CREATE MACRO partner_of(i, k) AS 'p' || floor({partners} * pow(dice(20 + k, i), 2.0))::INT;
CREATE MACRO size_of(i) AS (CASE {sizes} ELSE 13 END);
CREATE MACRO born(i) AS 1577836800 + (157680000.0 * i / {deals})::BIGINT
    + (CASE WHEN i < {deals} THEN 0 ELSE {gap} END);
CREATE MACRO age(i) AS (86400 * (20 + 160 * dice(1, i)))::BIGINT;
"""
_PARTNERS: Final = """
SELECT 'p' || i AS partner_id, 'Partner ' || i AS name,
    ['si', 'isv', 'msp', 'reseller', 'advisor'][1 + i % 5] AS partner_type, ['gold', 'silver', NULL][1 + i % 3] AS tier
FROM range({partners}) t(i)
"""
_DEALS: Final = """
SELECT 'd' || lpad(i::VARCHAR, 8, '0') AS deal_id, 'a' || (draw(7, i) % {accounts}) AS account_id,
    'o' || (draw(8, i) % 300) AS owner_id, ['smb', 'mid', 'enterprise'][1 + i % 3] AS segment,
    ['north', 'south', 'east', 'west'][1 + i % 4] AS region,
    ['new', 'expansion', 'renewal'][1 + (draw(9, i) % 3)::INT] AS deal_type,
    round(1000 + 99000 * pow(dice(2, i), 2), 2) AS amount, 'EUR' AS currency,
    to_timestamp(born(i)) AS created_at, to_timestamp(born(i) + age(i)) AS closed_at,
    2 * dice(3, i) - 1 AS x_fit, dice(4, i) AS x_need,
    CASE WHEN dice(5, i) < 1 / (1 + exp(0.9 - x_fit - 0.3 * (i % 3) - (CASE WHEN hash(partner_of(i, 0)) % 3 = 0
        THEN 0.7 ELSE 0.1 END) * least(size_of(i), 4))) THEN 'won' ELSE 'lost' END AS outcome
FROM range({start}, {stop}) t(i)
"""
_TOUCHES: Final = """
SELECT 't' || (i * {touches} + j) AS touchpoint_id, 'd' || lpad(i::VARCHAR, 8, '0') AS deal_id,
    CASE WHEN j < size_of(i) THEN partner_of(i, j) WHEN size_of(i) = 0 OR h % 5 < 2 THEN NULL
        ELSE partner_of(i, h // 5 % size_of(i)) END AS partner_id,
    'c' || (h // 7 % 3000) AS contact_id, ['call', 'demo', 'e-mail', 'meeting', 'workshop'][1 + h // 11 % 5] AS kind,
    ['pre_sale', 'point_of_sale', NULL][1 + h // 13 % 3] AS journey_stage,
    to_timestamp(born(i) + (age(i) * 1.05 * dice(100 + j, i))::BIGINT) AS occurred_at,
    CASE WHEN h % 20 = 0 THEN occurred_at + to_days(30) ELSE occurred_at + to_hours(4) END AS recorded_at,
    (h // 19 % 600) / 10.0 AS minutes
FROM (SELECT i, j, (draw(200 + j, i) >> 2)::BIGINT AS h FROM range({start}, {stop}) t(i), range({touches}) u(j))
"""
_STAGES: Final = """
SELECT 'd' || lpad(i::VARCHAR, 8, '0') AS deal_id, stage, to_timestamp(born(i) + (age(i) * part)::BIGINT) AS entered_at
FROM range({start}, {stop}) t(i), (VALUES ('Qualify', 0.0), ('Propose', 0.3), ('Negotiate', 0.7)) s(stage, part)
"""


def make(workspace: Path, deals: int, partners: int = 200, of: int | None = None, first: int = 0) -> None:
    """Writes the tables of a company into a workspace folder.

    Parameters
    ----------
    workspace : its ``tables`` of these names are replaced when ``first`` is 0, else added to.
    deals : how many deals to write, from number ``first`` on.
    partners : how many partners there are.
    of : deals of the company, over which the five years are spread; None means ``first + deals``. Deals with a greater
        number come later than all of these, and close after them.
    """
    tables = workspace / "tables"
    whole = of or first + deals
    facts = {"deals": whole, "partners": partners, "accounts": n_accounts(whole), "gap": GAP_SECONDS}
    sizes = " ".join(f"WHEN draw(6, i) % 10000 < {below} THEN {n}" for n, below in _SIZES.items())
    with duckdb.connect(config={"memory_limit": "1GB"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_MACROS.format(**facts, sizes=sizes))
        if first == 0:
            _write(connection, _PARTNERS.format(**facts), tables / "partners.parquet", 0, anew=True)
        for start in range(first, first + deals, PART_DEALS):
            part = {**facts, "start": start, "stop": min(start + PART_DEALS, first + deals)}
            for name, query in (("deals", _DEALS), ("touchpoints", _TOUCHES), ("stage_history", _STAGES)):
                select = query.format(**part, touches=TOUCHES_PER_DEAL)
                _write(connection, select, tables / f"{name}.parquet", start, anew=start == 0)


def n_accounts(deals: int) -> int:
    """Accounts of a company with so many deals; their ids are ``a`` and a number from 0."""
    return max(20, deals // DEALS_AN_ACCOUNT)


def _write(connection: duckdb.DuckDBPyConnection, select: str, folder: Path, start: int, *, anew: bool) -> None:
    if anew:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    connection.execute(f"COPY ({select}) TO '{folder}/part-{start:09}.parquet'")


def main() -> None:
    """Write the company asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, help="the workspace's folder")
    parser.add_argument("--deals", type=int, default=100_000, help="deals of the company")
    parser.add_argument("--partners", type=int, default=200, help="partners of the company")
    options = parser.parse_args()
    make(options.workspace, options.deals, options.partners)


if __name__ == "__main__":
    main()
