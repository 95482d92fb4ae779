"""What other packages use of this room."""

from ._csv import read_header as read_header
from ._files import repeated as repeated
from ._folder import FolderTables as FolderTables
from ._folder import find_tables as find_tables
from ._one_table import read_one_table as read_one_table
from ._parts import near_name as near_name
from ._parts import size_of as size_of
from ._parts import skipped as skipped
from ._readers import ROW as ROW
from ._readers import quoted as quoted
from ._workbook import FILE_ENDINGS as FILE_ENDINGS
from ._workbook import is_workbook as is_workbook
