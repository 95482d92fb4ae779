"""Customer success beside the score: baseline health score, and what to do."""
