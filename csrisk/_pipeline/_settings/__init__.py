"""The configuration of a run: its sections, their rules, and what they declare."""
