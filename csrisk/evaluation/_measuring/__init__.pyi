"""What other packages use of this room."""

from ._bootstrap import interval as interval
from ._bootstrap import resampled as resampled
from ._carried import carried as carried
from ._clustered_auc import Auc as Auc
from ._clustered_auc import clustered_auc as clustered_auc
from ._metrics import BASE_RATE as BASE_RATE
from ._metrics import METRICS as METRICS
from ._metrics import metric_of as metric_of
from ._metrics import ranking_metrics as ranking_metrics
from ._rows import codes_of as codes_of
from ._rows import labelled_rows as labelled_rows
from ._rows import model_event as model_event
from ._rows import read_rows as read_rows
