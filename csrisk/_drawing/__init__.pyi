"""What other packages use of this room."""

from ._figure import SMALL as SMALL
from ._figure import WIDTH as WIDTH
from ._figure import as_money as as_money
from ._figure import as_number as as_number
from ._figure import as_percent as as_percent
from ._figure import as_points as as_points
from ._figure import axes_or_new as axes_or_new
from ._figure import families as families
from ._figure import name_of as name_of
from ._figure import new_axes as new_axes
from ._figure import plain as plain
from ._palette import FAINT as FAINT
from ._palette import GROUND as GROUND
from ._palette import INK as INK
from ._palette import LIGHT as LIGHT
from ._palette import MOVES_LIGHT as MOVES_LIGHT
from ._palette import QUIET as QUIET
from ._palette import SERIES as SERIES
from ._palette import palette_css as palette_css
