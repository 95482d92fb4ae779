"""The rest of a goal opened one level deeper, where the features named by themselves carry too little of the goal.

The rest is a player of its own in the game of a goal (`_strongest.py`). Its features share what it got as
those of a goal share the goal: a value for nested unions (Winter 1989), so that what was told before stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from csrisk._explain._games._game import nested_maps
from csrisk._explain._games._points_game import PointsGame, table_of
from csrisk._machine import product

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk._explain._games._link_game import LinkGame
    from csrisk._explain._games._strongest import Sides

    Matrix = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["LEAST_POINTS", "MOST", "SHARE", "open_rest"]

SHARE = 0.8  # of a goal that the features named by themselves carry at least
LEAST_POINTS = 0.005  # goals of less than half a point are left as they are
MOST = 8  # features of a rest that get their own number: each doubles the work
# features at most, and the share of the goal to leave on the margin, which is not quite what comes out behind the link
_TRIES = ((MOST - 3, 0.13), (MOST, 0.05), (MOST, 0.0))


def open_rest(
    link: LinkGame, sides: Sides, margin: Matrix, goal_of_feature: Ints, points: Matrix, rest: Matrix
) -> tuple[Matrix, Matrix]:
    """Give features of the rest their own number until the named ones carry 80 % of each goal."""
    points, rest = points.copy(), rest.copy()
    together = None if sides.paired else PointsGame.against(link, sides.reference)
    for row in range(len(points)):
        own = np.array([row])
        game = together or PointsGame.against(link, sides.reference.take(own))
        for goal in range(rest.shape[1]):
            members = np.flatnonzero(goal_of_feature == goal)
            told = members[~np.isnan(points[row, members])]
            whole = float(points[row, told].sum() + rest[row, goal])
            for most, left in _TRIES:
                if abs(rest[row, goal]) <= (1 - SHARE) * abs(whole) or abs(whole) < LEAST_POINTS:
                    break
                chosen = _chosen(margin[row], members, told, most, left)
                table = table_of(goal, np.concatenate([told, chosen]), goal_of_feature)
                worth = game.worth(sides.rows.take(own), [table])[0]
                shared = product(nested_maps(table.n_outer, len(told), table.n_inner - len(told)), worth)
                points[row, chosen] = shared[: len(chosen)]
                rest[row, goal] = shared[len(chosen) :].sum()
    return points, rest


def _chosen(
    margin: Matrix, members: NDArray[np.intp], told: NDArray[np.intp], most: int, least: float
) -> NDArray[np.intp]:
    """Features that bring the rest of a goal closest to nothing on the margin, one after another."""
    left = np.setdiff1d(members, told)
    whole, remains = abs(float(margin[members].sum())), float(margin[left].sum())
    chosen: list[int] = []
    while len(chosen) < most and len(left) and abs(remains) > least * whole:
        # a feature against the sign of what remains would take it further from nothing
        place = int(np.argmax(margin[left] * np.sign(remains)))
        chosen.append(int(left[place]))
        remains -= float(margin[left[place]])
        left = np.delete(left, place)
    # on the margin the rest may come to nothing where behind the link it does not
    if not chosen and len(left):
        chosen.append(int(left[np.argmax(np.abs(margin[left]))]))
    return np.array(chosen, dtype=np.intp)
