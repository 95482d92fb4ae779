"""A world of people: what users feel spreads within an account, and the account follows its users."""

from csrisk.datasets._agents._make import make_agents

__all__ = ["make_agents"]
