"""Methods of an explanation that ask the model again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from csrisk._explain._adapters._frames import index_keys
from csrisk._explain._altered._least import LeastChange, least_change
from csrisk._explain._altered._picture import draw_levers
from csrisk._explain._altered._tables import lever_table, what_if_table
from csrisk.exceptions import ExplanationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from csrisk._explain._altered._asked import Asked
    from csrisk._goals import Goal

__all__ = ["Alterable"]


class Alterable:
    """What an explanation says of accounts with other values."""

    # fields of Explanation, which alone inherits from this class
    index: pd.Index
    output: str
    goals_present: tuple[Goal, ...]
    asked: Asked | None

    if TYPE_CHECKING:

        def position(self, account_id: Any, as_of: Any = None) -> int:
            """Row of an account."""

        @property
        def _scale(self) -> float: ...

    def what_if(self, account_id: Any, changes: Mapping[str, Any] | str, as_of: Any = None) -> pd.DataFrame:
        """Ask the model for accounts with other values: its answer for such accounts, not the effect of an action.

        Parameters
        ----------
        account_id : label, list of labels or None
            One account, some, or all of them.
        changes : mapping of feature to value, or str
            New values, which must lie within what the reference and the explained accounts show; or the name of a lever
            (see `levers`), which moves all features that hang together in it.
        as_of : date, optional
            Which snapshot; default the latest of each.

        Returns
        -------
        pd.DataFrame
            Indexed like the feature frame; ``prediction`` now, ``what_if``, ``change``, the part of each goal (they add
            up to the change; a goal of which nothing moves has 0), and ``stays``: what belongs to the same measure and
            was not moved.

        Raises
        ------
        ExplanationError
            If the model has no such feature or lever, or no account shows such a value.

        Examples
        --------
        >>> import pandas as pd
        >>> from lightgbm import LGBMClassifier
        >>> from csrisk import explain
        >>> X = pd.DataFrame({"logins": range(60), "transfers_90d": [0, 1, 2] * 20})
        >>> model = LGBMClassifier(n_estimators=5, verbose=-1).fit(X, X["logins"] + 9 * X["transfers_90d"] > 40)
        >>> why = explain(model, X, declarations={"logins": "footprint", "transfers_90d": "churn"})
        >>> told = why.what_if(50, {"logins": 0})
        >>> bool(abs(told["change"] - told["churn"] - told["footprint"]).max() < 1e-9)
        True
        >>> list(why.levers(50).index.get_level_values("lever"))
        ['halve the transfers']
        """
        rows = self._rows(account_id, as_of)
        return what_if_table(self._model, rows, changes, self.goals_present, self._scale)

    def levers(self, account_id: Any, as_of: Any = None) -> pd.DataFrame:
        """Ask the model what each lever would change, the one that lowers the prediction most first.

        Parameters
        ----------
        account_id : label, list of labels or None
            One account, some, or all of them.
        as_of : date, optional
            Which snapshot; default the latest of each.

        Returns
        -------
        pd.DataFrame
            As `what_if`, with a level ``lever`` in the index; without the levers that move nothing of an account. No
            lever moves context.
        """
        return self.lever_answers(self._rows(account_id, as_of)).drop(columns="place")

    def lever_answers(self, rows: NDArray[np.intp]) -> pd.DataFrame:
        """Answer as `levers` for row positions, for programs: ``place`` says which of them a row belongs to."""
        return lever_table(self._model, rows, self.goals_present, self._scale)

    def least_change(
        self, account_id: Any, below: float, as_of: Any = None, *, levers: Sequence[str] | None = None
    ) -> LeastChange:
        """Search the least that brings the model's answer for an account below a limit.

        Greedy: the lever that lowers it most is taken until it is below, then each is taken back to the least of twenty
        shares that suffices. Another set may be smaller; one that suffices alone is always found.

        Parameters
        ----------
        account_id : label
            Account.
        below : float
            Probability (.1 is 10 %), or log-odds or amount where these are explained.
        as_of : date, optional
            Which snapshot; default the latest.
        levers : sequence of str, optional
            Names of the levers that may be moved; default all.

        Returns
        -------
        LeastChange
            ``reached`` is False where no set of levers does it.
        """
        if self.output == "probability" and not 0 < below < 1:
            raise ExplanationError(f"below={below!r} must be a probability between 0 and 1, for example 0.1")
        row = self.position(account_id, as_of)
        return least_change(self._model, row, self._scale * below, self._scale, levers)

    def plot_what_if(self, account_id: Any, as_of: Any = None, *, ax: Any = None) -> Any:
        """Draw where each lever would bring the model's answer for one account.

        Parameters
        ----------
        account_id : label
            Account.
        as_of : date, optional
            Which snapshot; default the latest.
        ax : matplotlib.axes.Axes, optional
            Where to draw; default a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        row = self.position(account_id, as_of)
        table = self.lever_answers(np.array([row]))
        return draw_levers(table, self, row, ax)

    @property
    def _model(self) -> Asked:
        if self.asked is None:
            raise ExplanationError("this explanation does not hold its model; make it with csrisk.explain")
        return self.asked

    def _rows(self, account_id: Any, as_of: Any) -> NDArray[np.intp]:
        accounts: Any = [account_id]
        if account_id is None:
            accounts = (index_keys(self.index)[0] if self.index.nlevels > 1 else self.index).unique()
        elif isinstance(account_id, list | np.ndarray | pd.Index):
            accounts = account_id
        return np.array([self.position(account, as_of) for account in accounts], dtype=np.intp)
