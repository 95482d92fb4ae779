"""What other packages use of this room."""

from ._contract import announced_times as announced_times
from ._contract import beginnings as beginnings
from ._contract import planned_times as planned_times
from ._contract import told_times as told_times
from ._kinds import DATABASE_ENDINGS as DATABASE_ENDINGS
from ._kinds import FOREIGN_ENDINGS as FOREIGN_ENDINGS
from ._kinds import UnreadableError as UnreadableError
from ._kinds import database_kind as database_kind
from ._kinds import endings as endings
from ._kinds import file_kind as file_kind
from ._words import SCALES as SCALES
from ._words import SPEAKS_OF as SPEAKS_OF
