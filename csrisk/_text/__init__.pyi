"""What other packages use of this room."""

from ._cells import MISSING_WORDS as MISSING_WORDS
from ._cells import csv_bare as csv_bare
from ._cells import csv_safe as csv_safe
from ._cells import csv_text as csv_text
from ._display import html_table as html_table
from ._numbers import MINUS as MINUS
from ._numbers import day as day
from ._numbers import money as money
from ._numbers import month as month
from ._numbers import number as number
from ._numbers import percent as percent
from ._numbers import reworded as reworded
from ._numbers import signed as signed
from ._numbers import unbroken as unbroken
from ._printable import one_line as one_line
from ._printable import printable as printable
from ._shown import is_address as is_address
from ._shown import masked as masked
from ._shown import scheme as scheme
from ._shown import shown as shown
