"""What other packages use of this room."""

from ._drift import LEAST_ACCOUNTS as LEAST_ACCOUNTS
from ._guards import book_guards as book_guards
from ._guards import check_rows as check_rows
from ._rules import check_age as check_age
from ._rules import check_book as check_book
from ._rules import check_drift_of as check_drift_of
from ._rules import check_feeds as check_feeds
from ._tables import MONTHS as MONTHS
from ._tables import TableProfile as TableProfile
from ._tables import months_of as months_of
from ._tables import now_of as now_of
from ._tables import profile_of as profile_of
