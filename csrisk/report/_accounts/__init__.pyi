"""What other packages use of this room."""

from ._past import GOALS_SHOWN as GOALS_SHOWN
