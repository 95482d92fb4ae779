"""What followed in the past of the portfolio, worked out once for all parts of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csrisk.exceptions import CsriskError
from csrisk.success import FIRES, after_the_fire, feature_worth, past_outcomes, trap_consequences

if TYPE_CHECKING:
    import pandas as pd

    from csrisk.data import CustomerData
    from csrisk.success import History

__all__ = ["NOTHING", "Followed", "what_followed"]


@dataclass(frozen=True, slots=True)
class Followed:
    """Past snapshots with a known outcome, and what they say of traps and of features; None where nothing is known."""

    history: History | None = None
    traps: pd.DataFrame | None = None
    worth: pd.DataFrame | None = None
    fires: pd.DataFrame | None = None

    @property
    def harmful(self) -> frozenset[str]:
        """Traps in which more accounts left later than outside."""
        return frozenset() if self.traps is None else frozenset(self.traps.index[self.traps["harmful"]])

    @property
    def feature_worth(self) -> pd.Series | None:
        """Percentage points fewer that left among users of each feature; 0 where none was shown."""
        return None if self.worth is None else self.worth["worth"]

    @property
    def fires_help(self) -> bool:
        """Whether customers whose fire was handled well spoke for us more often than others."""
        return self.fires is not None and bool(self.fires.loc[FIRES[1], "helps"])


NOTHING = Followed()


def what_followed(data: CustomerData | None, until: pd.Timestamp, window: tuple[int, int]) -> Followed:
    """Take past snapshots whose outcome was known at a date; nothing where the tables tell no churn."""
    if data is None:
        return NOTHING
    try:
        history = past_outcomes(data, lead=window[0], horizon=window[1], until=until)
    except CsriskError:
        return NOTHING
    return Followed(
        history,
        trap_consequences(data, history),
        feature_worth(data, history) if data.has("usage", "feature") else None,
        after_the_fire(data, history) if data.has("contacts", "resolved_at") else None,
    )
