"""ForwardSplit: train on the past, test on the future, with nothing in between that knows both."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from csrisk._days import Date, Duration, as_days, as_midnight, as_midnights, to_dates, whole_days
from csrisk.exceptions import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from csrisk._snapshots import Snapshots

__all__ = ["ForwardSplit"]

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Bools: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]


class ForwardSplit(BaseCrossValidator):
    """Forward cross-validation over snapshots, purged of label windows that reach into the test period.

    Each split tests on later dates than the one before and trains on all snapshots whose outcome was final at the first
    test date: ``as_of + lead + horizon + grace <= first test as_of``. Test periods do not overlap. Purging follows
    M. Lopez de Prado, Advances in Financial Machine Learning (2018), chapter 7.

    Parameters
    ----------
    n_splits : int, default 5
        Number of splits.
    lead, horizon : int or str
        The label window of the snapshots, in days.
    grace : int or str, default 0
        Days after the window until the label is final, as given to `label_churn`.
    test_size : int, optional
        Number of dates in each test period. Default: as many as leave about the same number to the first training set.
    account_disjoint : bool, default False
        Accounts are dealt to the splits by a hash, each split tests its own accounts and trains on the others: an
        answer for accounts never seen before.
    seed : int, default 0
        Seed of the hash.

    Examples
    --------
    >>> import pandas as pd
    >>> from csrisk import ForwardSplit
    >>> dates = pd.date_range("2025-01-01", periods=6, freq="MS")
    >>> index = pd.MultiIndex.from_product([["a", "b"], dates], names=["account_id", "as_of"])
    >>> X = pd.DataFrame({"logins": range(12)}, index=index)
    >>> split = ForwardSplit(2, horizon="30D")
    >>> for train, test in split.split(X):
    ...     print(X.index[train].get_level_values(1).max().date(), X.index[test].get_level_values(1).min().date())
    2025-01-01 2025-03-01
    2025-04-01 2025-05-01
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        horizon: Duration,
        lead: Duration = 0,
        grace: Duration = 0,
        test_size: int | None = None,
        account_disjoint: bool = False,
        seed: int = 0,
    ) -> None:
        self.n_splits = n_splits
        self.horizon = horizon
        self.lead = lead
        self.grace = grace
        self.test_size = test_size
        self.account_disjoint = account_disjoint
        self.seed = seed

    @staticmethod
    def at(
        snapshots: Snapshots,
        date: Date,
        *,
        grace: Duration = 0,
        test_accounts: float | None = None,
        seed: int = 0,
    ) -> tuple[pd.Series, pd.Series]:
        """Split once, at a date.

        Parameters
        ----------
        snapshots : Snapshots
            With a horizon.
        date : date
            Training labels are final at this date, test snapshots stand at it or later.
        grace : int or str, default 0
            As in the class.
        test_accounts : float, optional
            Share of accounts, chosen by a hash, that are tested and not trained on; by default all are in both.
        seed : int, default 0
            Seed of the hash.

        Returns
        -------
        train, test : pandas.Series of bool
            On the index of the snapshots, for ``X.loc[train]``; neither holds censored snapshots.

        Raises
        ------
        SnapshotError
            If the snapshots have no horizon, or one side would be empty.
        """
        if snapshots.horizon is None:
            raise SnapshotError(
                "snapshots.horizon=None: a split needs label windows; make the snapshots with horizon='90D'"
            )
        day = as_midnight(date, "date")
        final = snapshots.label_end + pd.Timedelta(days=whole_days(grace, "grace"))
        # a censored snapshot has no label, so it stands on neither side
        observed = final <= snapshots.end
        train, test = (final <= day) & observed, (snapshots.as_of >= day) & observed
        if test_accounts is not None:
            if not isinstance(test_accounts, int | float | np.number) or not 0 < test_accounts < 1:
                raise SnapshotError(
                    f"test_accounts={test_accounts!r} must lie between 0 and 1; 0.3 holds out 30 percent"
                )
            held_out = _hashed(snapshots.index, seed) < test_accounts
            train, test = train & ~held_out, test & held_out
        if not train.any() or not test.any():
            counts = f"train {int(train.sum())} and test {int(test.sum())} of {len(snapshots)} snapshots"
            message = (
                f"date={day:%Y-%m-%d}: {counts}; training labels must be final by the date and test labels observed"
            )
            raise SnapshotError(f"{message}; take another date, a shorter horizon or more history")
        return train.rename("train"), test.rename("test")

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:  # noqa: ARG002  # scikit-learn asks for these
        """Return the number of splits.

        Parameters
        ----------
        X, y, groups : object
            Ignored; there for scikit-learn.

        Returns
        -------
        int
        """
        return self.n_splits

    def split(self, X: pd.DataFrame, y: Any = None, groups: Any = None) -> Iterator[tuple[Ints, Ints]]:  # noqa: ARG002
        """Give the positions of train and test rows, split by split.

        Parameters
        ----------
        X : pandas.DataFrame or Series
            With the index (account_id, as_of).
        y : array-like, optional
            Rows whose label is missing are left out.
        groups : object
            Ignored; there for scikit-learn.

        Yields
        ------
        train, test : ndarray of int

        Raises
        ------
        SnapshotError
            If X has no such index, a parameter breaks its rule, or there are too few dates.
        """
        for fold in self._folds(X, y):
            yield np.flatnonzero(fold.role == _TRAIN), np.flatnonzero(fold.role == _TEST)

    def summary(self, X: pd.DataFrame, y: Any = None) -> pd.DataFrame:
        """Count what each split trains on, tests, and leaves out; each row of counts adds up to the rows of X.

        Parameters
        ----------
        X, y
            As for `split`.

        Returns
        -------
        pandas.DataFrame
            One row for each split: test_from, test_to, train_to and the counts train, test, not_final (the outcome was
            not final when the test period began), later (after the test period), other_accounts, unlabelled.
        """
        rows = []
        for fold in self._folds(X, y):
            counts = {name: int((fold.role == code).sum()) for code, name in enumerate(_ROLES)}
            dates = {"test_from": fold.first, "test_to": fold.last, "train_to": fold.train_to}
            rows.append({name: to_dates([day])[0] for name, day in dates.items()} | counts)
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="split"))

    def describe(self, X: pd.DataFrame, y: Any = None) -> str:
        """Say in words what is left out and why.

        Parameters
        ----------
        X, y
            As for `split`.

        Returns
        -------
        str
        """
        table = self.summary(X, y)
        span = f"lead {self.lead}, horizon {self.horizon}" + (f", grace {self.grace}" if self.grace else "")
        lines = [f"{len(table)} forward splits of {len(X):,} snapshots ({span})."]
        lines.extend(
            _sentence(number, len(table), row)
            for number, row in zip(table.index, table.to_dict("records"), strict=True)
        )
        return "\n".join(lines)

    def _folds(self, X: Any, y: Any) -> Iterator[_Fold]:
        cut = _cuts(X)
        gap = (
            whole_days(self.lead, "lead")
            + whole_days(self.horizon, "horizon", minimum=1)
            + whole_days(self.grace, "grace")
        )
        labelled = np.ones(len(cut), dtype=bool) if y is None else ~np.asarray(pd.isna(y))
        if self.account_disjoint:
            # two parts for a single split, as somebody has to be left to train on
            dealt = np.floor(_hashed(X.index, self.seed) * max(self.n_splits, 2))
        # dates without any label can test nothing, so they make no period
        for number, (first, last) in enumerate(self._periods(np.unique(cut[labelled]), gap)):
            own = dealt == number if self.account_disjoint else np.ones(len(cut), dtype=bool)
            # undealt accounts are on both sides
            other = ~own if self.account_disjoint else own
            tested, past = (cut >= first) & (cut <= last), cut + gap <= first
            # the first that holds counts
            conditions = [~labelled, cut > last, tested & own, past & other, tested | past]
            role = np.select(conditions, [_UNLABELLED, _LATER, _TEST, _TRAIN, _OTHER], default=_NOT_FINAL)
            if not (role == _TRAIN).any() or not (role == _TEST).any():
                message = f"split {number + 1} of {self.n_splits}: train or test is empty"
                raise SnapshotError(f"{message}; use fewer splits, more accounts or account_disjoint=False")
            yield _Fold(role, int(first), int(last), int(cut[role == _TRAIN].max()))

    def _periods(self, dates: Ints, gap: int) -> list[tuple[int, int]]:
        """First and last date of each test period, the last period at the end."""
        if not isinstance(self.n_splits, int | np.integer) or self.n_splits < 1:
            raise SnapshotError(f"n_splits={self.n_splits!r} must be a whole number, at least 1")
        if self.test_size is not None and not isinstance(self.test_size, int | np.integer):
            raise SnapshotError(f"test_size={self.test_size!r} must be a whole number of dates, at least 1")
        usable = int((dates >= dates[0] + gap).sum()) if len(dates) else 0
        size = (
            max(1, min(usable // self.n_splits, len(dates) // (self.n_splits + 1)))
            if self.test_size is None
            else self.test_size
        )
        if size < 1 or usable < size * self.n_splits:
            message = (
                f"n_splits={self.n_splits}, test_size={size}: {usable} of {len(dates)} dates lie {gap} days (lead, "
                f"horizon and grace) after the first one, {size * self.n_splits} are needed; use fewer splits"
            )
            raise SnapshotError(message)
        starts = range(len(dates) - size * self.n_splits, len(dates), size)
        return [(dates[start], dates[start + size - 1]) for start in starts]


class _Fold(NamedTuple):
    role: Ints
    first: int
    last: int
    train_to: int


_ROLES = ("train", "test", "not_final", "later", "other_accounts", "unlabelled")
_TRAIN, _TEST, _NOT_FINAL, _LATER, _OTHER, _UNLABELLED = range(len(_ROLES))
_REASONS = {
    "not_final": "whose outcome was not final when the test period began",
    "later": "after the test period",
    "other_accounts": "of accounts on the other side of the split",
    "unlabelled": "without a label",
}


def _sentence(number: int, count: int, row: dict[Any, Any]) -> str:
    left_out = [f"{row[name]:,} {reason}" for name, reason in _REASONS.items() if row[name]]
    return (
        f"Split {number} of {count}: train on {row['train']:,} snapshots up to {row['train_to']:%Y-%m-%d}, test on "
        f"{row['test']:,} from {row['test_from']:%Y-%m-%d} to {row['test_to']:%Y-%m-%d}. "
        f"Left out: {', '.join(left_out) or 'nothing'}."
    )


def _cuts(X: Any) -> Ints:
    """Day of ``as_of`` of each row."""
    index = getattr(X, "index", None)
    if not isinstance(index, pd.MultiIndex) or not {"account_id", "as_of"} <= set(index.names):
        message = "X: its index must have the levels account_id and as_of, as build_features gives it"
        raise SnapshotError(f"{message}; pass the frame itself, not an array")
    level = index.names.index("as_of")
    return as_days(as_midnights(index.levels[level], "as_of"))[np.asarray(index.codes[level])]


def _hashed(index: pd.MultiIndex, seed: int) -> Any:
    """Give a number in [0, 1) for each row, by its account and the seed, the same on every machine."""
    level = index.names.index("account_id")
    # hash() of Python is salted anew in each process
    digests = (hashlib.blake2b(f"{seed}:{account}".encode(), digest_size=8).digest() for account in index.levels[level])
    shares = np.array([int.from_bytes(digest, "big") / 2**64 for digest in digests])
    return shares[np.asarray(index.codes[level])]
