"""What other packages use of this room."""

from ._revenue import at_stake as at_stake
from ._revenue import why_listed as why_listed
