"""What other packages use of this room."""

from ._backfill import dates_between as dates_between
from ._distributed import score_batches as score_batches
from ._distributed import score_spark as score_spark
from ._guarding import guarded as guarded
from ._score_schema import EXPANSION_COLUMNS as EXPANSION_COLUMNS
from ._score_schema import LONGEVITY_COLUMNS as LONGEVITY_COLUMNS
from ._score_schema import SCORE_COLUMNS as SCORE_COLUMNS
from ._score_schema import SCORES_SCHEMA as SCORES_SCHEMA
from ._score_schema import ScoreColumn as ScoreColumn
