"""What families share: the past of each snapshot, roll-ups by account and day, and tallies."""
