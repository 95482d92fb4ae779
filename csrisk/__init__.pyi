"""The public names and where they live; type checkers read this, and ``csrisk/__init__.py`` at run time."""

from ._explain import (
    Explanation as Explanation,
)
from ._explain import (
    Reference as Reference,
)
from ._explain import (
    explain as explain,
)
from ._explain import (
    propose_goals as propose_goals,
)
from ._goals import Goal as Goal
from ._labelling._labels import (
    label_change as label_change,
)
from ._labelling._labels import (
    label_churn as label_churn,
)
from ._labelling._labels import (
    label_contraction as label_contraction,
)
from ._labelling._labels import (
    label_expansion as label_expansion,
)
from ._labelling._time import (
    label_time_to_churn as label_time_to_churn,
)
from ._pipeline import RiskPipeline as RiskPipeline
from ._pipeline import RiskSpec as RiskSpec
from ._proposal import propose as propose
from ._snapshots import Snapshots as Snapshots
from ._splits import ForwardSplit as ForwardSplit
from .data import CustomerData as CustomerData
from .datasets import load_demo as load_demo
from .evaluation import backtest as backtest
from .evaluation import evaluate as evaluate
from .features import Feature as Feature
from .features import build_features as build_features
from .models import ChurnModel as ChurnModel
from .models import ExpansionModel as ExpansionModel
from .monitoring import monitor as monitor
from .report import write_report as write_report

__version__: str
