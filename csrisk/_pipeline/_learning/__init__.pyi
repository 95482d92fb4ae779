"""What other packages use of this room."""

from ._demo import DEMO_SPEC as DEMO_SPEC
from ._demo import driver_found as driver_found
