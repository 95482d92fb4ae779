"""What other packages use of this room."""

from ._databases import duckdb_file as duckdb_file
from ._databases import far_database as far_database
from ._databases import is_database as is_database
from ._databases import is_far as is_far
from ._databases import located as located
from ._sqlite import sqlite_tables as sqlite_tables
