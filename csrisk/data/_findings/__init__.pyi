"""What other packages use of this room."""

from ._breach import Breach as Breach
from ._breach import did_you_mean as did_you_mean
from ._rhythm import has_stopped as has_stopped
from ._rhythm import read_changes as read_changes
from ._rhythm import signs_of_life as signs_of_life
