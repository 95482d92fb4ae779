"""Effort: fires, handovers, traps, quiet accounts and the journey."""
