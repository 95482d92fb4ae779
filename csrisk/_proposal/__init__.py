"""From files under names of their own to a configuration: what is what is guessed, graded and asked."""

from csrisk._proposal._proposal import Proposal, propose

__all__ = ["Proposal", "propose"]
