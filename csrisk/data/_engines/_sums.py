"""Sums that are the same to the last bit on every engine, in whatever order threads add."""

from __future__ import annotations

import narwhals.stable.v2 as nw

__all__ = ["MONEY", "exact", "one", "whole"]

MONEY = 1e8  # grains of a unit in sums of money and quantities
_HUGE = 2.0**43


def whole(expression: nw.Expr) -> nw.Expr:
    """Sum of whole numbers that cannot overflow, and is no decimal in any engine."""
    # engines differ in what a sum of integers is: a wider integer, a decimal, a float
    return expression.cast(nw.Int64).sum().cast(nw.Int64)


def exact(expression: nw.Expr, scale: float = 1e11) -> nw.Expr:
    """Sum of floats in fixed point, so that the order in which threads add them changes no bit.

    The fraction of each term is rounded to one part in `scale`. With 1e8 sums of cents are exact, and equal sums are
    equal, while terms stay below 40 million; the 1e11 of small numbers would see the error of their last bit. Terms
    from ``2 ** 43`` on, which no sum of money reaches, are added as floats.
    """
    term = expression.cast(nw.Float64)
    # fixed point below this bound: 2**63 is the most that 64 bits hold, so 2**20 such terms fit
    usual = term.abs() < _HUGE
    inside = nw.when(usual).then(term)
    units = inside.round(0)
    fractions = whole(((inside - units) * scale).round(0)).cast(nw.Float64)
    # whatever terms a sum had, it becomes the same whole number and the same rest
    carried = (fractions / scale).round(0)
    # Polars multiplies by the reciprocal of a constant, which is another last bit; a column is divided by
    grains = fractions * 0 + scale
    total: nw.Expr = whole(units).cast(nw.Float64) + carried + (fractions - carried * scale) / grains
    return total + nw.when(~usual).then(term).sum()


def one(condition: nw.Expr) -> nw.Expr:
    """1 where the condition holds, else 0 (also where it is null)."""
    # a cast of a condition would keep the null, and a sum of nulls is null and not 0
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0))
