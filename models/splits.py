"""Who is trained on and who is tested on: account folds by hash, and a time-ordered test set."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

_SALT_FOLDS = "folds"
_SALT_TEST = "test"


@dataclass(frozen=True)
class Split:
    """Boolean masks over the deals, and how they were made.

    ``train`` and ``test`` never hold the same account; a deal in neither was dropped for that reason. ``cut_at`` is the
    close of the first test deal (UTC), missing when the split is not by time.
    """

    train: npt.NDArray[np.bool_]
    test: npt.NDArray[np.bool_]
    is_by_time: bool
    cut_at: pd.Timestamp | None
    sentence: str

    @property
    def n_dropped(self) -> int:
        """Deals in neither part."""
        return int((~self.train & ~self.test).sum())


def account_folds(account_ids: pd.Series, n_folds: int, salt: str = _SALT_FOLDS) -> npt.NDArray[np.int64]:
    """Fold of each account, 0 <= fold < ``n_folds``: a hash of the id, so new accounts have a fold as well.

    The hash is BLAKE2b, the same in every process and on every machine. A missing account counts as one account.
    """
    codes, accounts = pd.factorize(account_ids.astype("string").fillna(""))
    fold_of = np.array([_hash(salt, account) % n_folds for account in accounts], dtype=np.int64)
    return fold_of[codes] if len(codes) else np.zeros(0, dtype=np.int64)


def account_hashes(account_ids: pd.Series) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each account, by which a model remembers whom it was trained on without keeping names."""
    codes, accounts = pd.factorize(account_ids.astype("string").fillna(""))
    hashes = np.array([_hash("seen", account) for account in accounts], dtype=np.uint64)
    return hashes[codes] if len(codes) else np.zeros(0, dtype=np.uint64)


def among(hashes: npt.NDArray[np.uint64], known: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Which of the hashes are among ``known``, which are sorted: cheap however many these are."""
    if not len(known):
        return np.zeros(len(hashes), dtype=np.bool_)
    found: npt.NDArray[np.bool_] = known[np.minimum(np.searchsorted(known, hashes), len(known) - 1)] == hashes
    return found


def balanced_folds(account_ids: pd.Series, n_folds: int) -> npt.NDArray[np.int64]:
    """Folds of whole accounts, dealt in hash order so that each fold has about the same number of accounts.

    For evaluations of few accounts, where plain hashing can leave a fold empty. Depends on which accounts there are.
    """
    codes, accounts = pd.factorize(account_ids.astype("string").fillna(""))
    order = np.argsort([_hash("balanced", account) for account in accounts], kind="stable")
    fold_of = np.empty(len(accounts), dtype=np.int64)
    fold_of[order] = np.arange(len(accounts)) % n_folds
    return fold_of[codes]


def split_by_time(closed_at: pd.Series, account_ids: pd.Series, test_share: float) -> Split:
    """The latest ``test_share`` (0 < share < 1) of the deals as test, the rest as training, no account in both.

    An account whose deals fall on both sides is kept in the test part only: its earlier deals are dropped from
    training. Deals closed at the same moment as the first test deal are test deals. When all deals closed at one
    moment, or none has a close date, whole accounts are drawn by hash instead, and the sentence says so.
    """
    moments = closed_at.dropna()
    if moments.nunique() < 2:
        return _split_by_account(account_ids, test_share)
    cut_at = moments.sort_values(ignore_index=True).iloc[-max(1, math.ceil(len(moments) * test_share))]
    if cut_at == moments.min():
        return _split_by_account(account_ids, test_share)
    test = (closed_at >= cut_at).to_numpy(dtype=bool)
    shared = account_ids.isin(account_ids[test]).to_numpy(dtype=bool)
    train = ~test & ~shared
    if train.sum() < test.sum():
        return _split_by_account(account_ids, test_share, too_few=True)
    dropped = int((~test & shared).sum())
    sentence = (
        f"Tested on the {int(test.sum()):,} deals closed from {cut_at:%Y-%m-%d} on, trained on {int(train.sum()):,} "
        f"earlier ones; {dropped:,} earlier deals were dropped because their account is in the test."
    )
    return Split(train, test, is_by_time=True, cut_at=cut_at, sentence=sentence)


def _split_by_account(account_ids: pd.Series, test_share: float, *, too_few: bool = False) -> Split:
    thousandths = account_folds(account_ids, 1000, _SALT_TEST)
    test = thousandths < round(1000 * test_share)
    why = (
        "keeping test accounts out of a time-ordered training set would leave too few deals"
        if too_few
        else "the deals do not differ in their close date"
    )
    sentence = (
        f"Not ordered by time, because {why}: tested on {int(test.sum()):,} deals of accounts drawn by hash, "
        f"trained on the {int((~test).sum()):,} deals of the others."
    )
    return Split(~test, test, is_by_time=False, cut_at=None, sentence=sentence)


def _hash(salt: str, text: str) -> int:
    digest = hashlib.blake2b(f"{salt}:{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
