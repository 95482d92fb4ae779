"""What other packages use of this room."""

from ._departures import Cause as Cause
from ._departures import goal_of_reason as goal_of_reason
from ._departures import involuntary as involuntary
from ._departures import stated_reasons as stated_reasons
from ._labels import label_change as label_change
from ._labels import label_churn as label_churn
from ._labels import label_expansion as label_expansion
from ._outcomes import SPEAKS_OF_LEAVING as SPEAKS_OF_LEAVING
from ._outcomes import Contracts as Contracts
from ._outcomes import Lifetimes as Lifetimes
from ._outcomes import evidence_of as evidence_of
from ._outcomes import reaches as reaches
from ._time import label_time_to_churn as label_time_to_churn
from ._windows import Kind as Kind
