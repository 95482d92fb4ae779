"""Advocacy and feedback: the continuum, loyalty, quadrants and the ledger of answers."""
