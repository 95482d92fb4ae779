"""What other packages use of this room."""

from ._align import account_labels as account_labels
from ._align import align as align
from ._align import chosen as chosen
from ._align import first_index as first_index
from ._align import floats as floats
from ._align import index_accounts as index_accounts
from ._align import same_levels as same_levels
from ._canonical import hash_rows as hash_rows
from ._encoder import ColumnEncoder as ColumnEncoder
from ._encoder import encode_frame as encode_frame
from ._encoder import learn_columns as learn_columns
from ._event import event_of as event_of
from ._event import told as told
from ._event import which_event as which_event
from ._frames import FrameReader as FrameReader
from ._native import as_features as as_features
from ._times import check_periods as check_periods
from ._times import read_times as read_times
