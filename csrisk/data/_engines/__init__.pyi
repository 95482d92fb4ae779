"""What other packages use of this room."""

from ._engine import DuckDBEngine as DuckDBEngine
from ._engine import home as home
from ._from_pandas import from_pandas as from_pandas
from ._source import open_source as open_source
from ._sums import MONEY as MONEY
from ._sums import exact as exact
from ._sums import one as one
from ._sums import whole as whole
