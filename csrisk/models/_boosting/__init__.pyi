"""What other packages use of this room."""

from ._lightgbm import as_text as as_text
from ._lightgbm import classifier as classifier
from ._lightgbm import described as described
from ._lightgbm import from_text as from_text
from ._lightgbm import predicted as predicted
from ._lightgbm import raw_score as raw_score
from ._lightgbm import regressor as regressor
from ._parquet import fit_parquet as fit_parquet
