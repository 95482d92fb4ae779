"""What other packages use of this room."""

from ._feeds import feed_ages as feed_ages
