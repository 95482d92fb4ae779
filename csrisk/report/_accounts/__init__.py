"""What the report says of one account: its card, its steps, where it stands."""
