"""CPU time and memory of rules, Markov chains and path Shapley on a million journeys, beside other libraries.

    python benchmarks/paths_speed.py --journeys 1000000 --peers /path/to/an/environment/with/them/bin/python

Makes random journeys once, in a temporary folder, and runs each job in a fresh process: user seconds are those after
the journeys were read (ours: after they were encoded), peak resident memory is the whole process's, imports and input
included. The peers are no dependencies of the product; install them into an environment of their own:

    python -m venv peers
    peers/bin/pip install ChannelAttribution matplotlib do-attribution marketing-attribution-models
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PARTNERS = 50
MEAN_TOUCHES = 6.9
WON = 0.2
DAY = 86_400_000_000
OURS = ("rules", "markov", "shapley", "together", "order2", "rate")
PEERS = ("ChannelAttribution heuristics", "ChannelAttribution markov", "do-attribution markov", "MAM markov")
PACKAGES = {
    "ChannelAttribution": "ChannelAttribution",
    "do-attribution": "do_attribution",
    "MAM": "mam",
}


def main() -> None:
    """Make the journeys, run each job in a process of its own and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--journeys", type=int, default=1_000_000, help="how many journeys")
    parser.add_argument("--peers", default=sys.executable, help="Python of an environment that has the other libraries")
    parser.add_argument("--folder", type=Path, help="where to put the temporary files (default: the system's place)")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(run(options.job, options.folder)))
        return
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "scipy")}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        touches = make(Path(folder), options.journeys)
        print(f"Python {platform.python_version()}, {versions}")
        print(f"{options.journeys:,} journeys, {touches:,} touches, {PARTNERS} partners, {WON:.0%} won")
        for job in (*OURS, *PEERS):
            measure(job, Path(folder), sys.executable if job in OURS else options.peers)


def make(folder: Path, journeys: int) -> int:
    """Write random journeys: who touched, when, in the order of deals but not of time; returns how many touches."""
    rng = np.random.default_rng(0)
    sizes = rng.geometric(1 / MEAN_TOUCHES, journeys)
    popularity = rng.dirichlet(np.full(PARTNERS, 0.7))
    deal = np.repeat(np.arange(journeys, dtype=np.int32), sizes)
    arrays = {
        "deal": deal,
        "player": (rng.choice(PARTNERS, len(deal), p=popularity) + 1).astype(np.int16),
        "time": rng.integers(0, 90 * DAY, len(deal)),
        "won": rng.random(journeys) < WON,
        "lead": rng.integers(0, 90 * DAY, journeys),
        "opportunity": rng.integers(0, 90 * DAY, journeys),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return len(deal)


def measure(job: str, folder: Path, python: str) -> None:
    """Run one job in a process of its own and print its user seconds, peak memory and what it found."""
    command = [python, __file__, "--job", job, "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{job:30} did not run: {done.stderr.strip().splitlines()[-1]}")
        return
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{job:30} {found['seconds']:7.2f} user s {found['peak']:7.0f} MiB peak   {found['said']}")


def run(job: str, folder: Path) -> dict[str, Any]:
    """Do one job; returns user seconds, peak resident memory (MiB) and a remark."""
    prepare = our_job if job in OURS else their_job
    work = prepare(job, folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    said = work()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"seconds": usage.ru_utime - before, "peak": usage.ru_maxrss / 1024, "said": said}


def our_job(job: str, folder: Path) -> Callable[[], str]:
    """Encodes the journeys and returns the work to be measured."""
    from models.journeys import Journeys
    from models.markov import markov_split, removals
    from models.path_shapley import Rates, equal_split, rate_split
    from models.rules import RULES, rule_split

    def loaded(name: str) -> Any:
        return np.load(folder / f"{name}.npy")

    before, won = resource.getrusage(resource.RUSAGE_SELF).ru_utime, loaded("won")
    journeys = Journeys.from_codes(
        loaded("deal"),
        loaded("player"),
        loaded("time"),
        np.full(len(won), 90 * DAY),
        np.arange(len(won)).astype(object),
        np.array(["__direct__", *(f"p{i:02}" for i in range(1, PARTNERS + 1))], dtype=object),
        {name: loaded(name) for name in ("lead", "opportunity")},
    )
    encoding = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before

    def rules() -> None:
        for rule in RULES:
            total = rule_split(rule, journeys).share.sum()
            assert abs(total - len(won)) < 1e-3

    def markov(order: int = 1) -> str:
        found = removals(journeys, won, order)
        markov_split(journeys, found.effect)
        return f"removal effects {found.effect[1:].min():.4f} to {found.effect.max():.4f}"

    def rate() -> str:
        rates = Rates.of(journeys, won)
        few = journeys.only(won & (journeys.pairs.sizes <= 8))
        rate_split(few, rates)
        return f"{few.n_deals:,} won deals with at most 8 players, {len(rates.keys):,} distinct sets"

    def together() -> str:
        rules()
        equal_split(journeys)
        return f"{len(RULES)} rules, order 1, equal split; {markov()}"

    works: dict[str, Callable[[], str | None]] = {
        "rules": rules,
        "markov": markov,
        "shapley": lambda: str(len(equal_split(journeys).share)) + " shares",
        "together": together,
        "order2": lambda: markov(2),
        "rate": rate,
    }
    return lambda: works[job]() or f"{len(RULES)} rules; encoding before took {encoding:.2f} user s"


def their_job(job: str, folder: Path) -> Callable[[], str]:
    """Makes the library's own input and returns the work to be measured."""
    library, _, _ = job.partition(" ")
    __import__(PACKAGES[library])
    deal, player = np.load(folder / "deal.npy"), np.load(folder / "player.npy")
    order = np.lexsort((np.load(folder / "time.npy"), deal))
    names = np.array([f"p{i:02}" for i in range(PARTNERS + 1)], dtype=object)[player[order]]
    ends = np.cumsum(np.bincount(deal))
    won = np.load(folder / "won.npy")
    paths = [" > ".join(names[begin:end]) for begin, end in zip(np.r_[0, ends[:-1]], ends, strict=True)]
    del deal, player, order, names
    return {"ChannelAttribution": channel_attribution, "do-attribution": do_attribution, "MAM": mam}[library](
        job, paths, won
    )


def channel_attribution(job: str, paths: list[str], won: Any) -> Callable[[], str]:
    """First, last and linear touch, or its simulated Markov chain."""
    import ChannelAttribution
    import pandas as pd

    frame = pd.DataFrame(
        {"path": paths, "won": won.astype(int), "value": won.astype(float), "lost": (~won).astype(int)}
    )
    if job.endswith("heuristics"):
        return lambda: (
            f"{len(ChannelAttribution.heuristic_models(frame, 'path', 'won', flg_pro=False))} channels, three rules"
        )

    def simulated() -> str:
        found = ChannelAttribution.markov_model(frame, "path", "won", var_null="lost", out_more=True, flg_pro=False)
        effects = found["removal_effects"].iloc[:, 1]
        return f"simulated; removal effects {effects.min():.4f} to {effects.max():.4f}"

    return simulated


def do_attribution(_: str, paths: list[str], won: Any) -> Callable[[], str]:
    """Its exact chain, with the removal that ours has by default."""
    from do_attribution import MarkovAttribution

    def exact() -> str:
        found = MarkovAttribution(order=1, removal_strategy="redirect_to_null").fit(paths, won.astype(int))
        effects = found["removal_effects"].values()
        return f"removal effects {min(effects):.4f} to {max(effects):.4f}"

    return exact


def mam(_: str, paths: list[str], won: Any) -> Callable[[], str]:
    """Its exact chain; it also spreads each journey over its channels."""
    import pandas as pd
    from mam import MAM

    frame = pd.DataFrame({"path": paths, "won": won, "occurrences": 1})

    def exact() -> str:
        model = MAM(frame, "grouped_journey", channels_colname="path", journey_with_conv_colname="won")
        effects = model.run_markov(transition_to_same_state=True).metadata["removal_effect"]["removal_effect"]
        return f"removal effects {effects.min():.4f} to {effects.max():.4f}"

    return exact


if __name__ == "__main__":
    main()
