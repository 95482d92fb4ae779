"""What if: the answer of a model for accounts that are altered, by feature or by lever."""

from csrisk._explain._altered._alterable import Alterable
from csrisk._explain._altered._asked import Asked
from csrisk._explain._altered._least import LeastChange
from csrisk._explain._altered._levers import NOTE

__all__ = ["NOTE", "Alterable", "Asked", "LeastChange"]
