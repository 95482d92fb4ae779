"""What other packages use of this room."""

from ._compiling import compiled as compiled
from ._leftovers import hold as hold
from ._leftovers import scratch_folder as scratch_folder
from ._leftovers import sweep as sweep
from ._processes import is_forked as is_forked
from ._processes import keep_for_ever as keep_for_ever
from ._processes import lost_threads as lost_threads
from ._products import product as product
from ._products import solve_two as solve_two
from ._regular import kind_of as kind_of
from ._regular import open_regular as open_regular
from ._regular import require_regular as require_regular
