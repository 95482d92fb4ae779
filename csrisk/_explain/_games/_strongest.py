"""Which features get a number of their own behind a link, and in which way their games are played."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from csrisk._explain._games._blocks import in_blocks
from csrisk._explain._games._points_game import PointsGame, Table, table_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from csrisk._explain._games._link_game import LinkGame, Side

    Matrix = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["Effort", "Sides", "strongest_features"]

# rows with the same strongest features are played together from so many rows on, and at most so many at once
_SHARING_ROWS, _JOB_ROWS = 48, 1024
_ROWS_AT_ONCE = 8
_TITLE = "strongest features"
# ... if trees are so large that most coalitions differ in most trees
_DENSE = 0.25


class Effort(NamedTuple):
    """How much to compute."""

    n_strongest: int = 3
    n_jobs: int = 1


class Sides(NamedTuple):
    """What is explained and what it is compared with; `paired` if each row has one reference row of its own."""

    rows: Side
    reference: Side
    paired: bool = False


def strongest_features(
    link: LinkGame, sides: Sides, margin: Matrix, known: Matrix, goal_of_feature: Ints, effort: Effort
) -> tuple[Matrix, Matrix]:
    """Owen values behind the link, for the features of each goal that are strongest on the margin."""
    n_goals = known.shape[1].bit_length() - 1
    points, rest = np.full(margin.shape, np.nan), np.zeros((len(margin), n_goals))
    groups = [group for goal in range(n_goals) for group in _groups(margin, goal, goal_of_feature, effort.n_strongest)]
    # pairs have no common reference, which the game of a single row needs
    is_shared = [sides.paired or _is_shared(link, group) for group in groups]
    shared = list(itertools.compress(groups, is_shared))
    alone = _by_row([group for group, with_others in zip(groups, is_shared, strict=True) if not with_others])

    def put(table: Table, places: NDArray[np.intp], worth: Matrix) -> None:
        shown, others = table.owen(worth)
        points[np.ix_(places, table.features)] = shown
        rest[places, table.goal] = others

    jobs = [Group(table, rows[a : a + _JOB_ROWS]) for table, rows in shared for a in range(0, len(rows), _JOB_ROWS)]

    def together(first: int, last: int) -> None:
        for job in jobs[first:last]:
            put(job.table, job.rows, _shared_worth(link, sides, job, known[job.rows]))

    in_blocks(together, len(jobs), 1, effort.n_jobs, _TITLE, "groups of rows")
    if not alone:
        return points, rest
    order, game = sorted(alone), PointsGame.against(link, sides.reference)

    def one_by_one(first: int, last: int) -> None:
        for row in order[first:last]:
            own = np.array([row])
            for table, worth in zip(alone[row], game.worth(sides.rows.take(own), alone[row]), strict=True):
                put(table, own, worth[None])

    in_blocks(one_by_one, len(order), _ROWS_AT_ONCE, effort.n_jobs, _TITLE)
    return points, rest


class Group(NamedTuple):
    """Rows that play the same game."""

    table: Table
    rows: NDArray[np.intp]


def _groups(margin: Matrix, goal: int, goal_of_feature: Ints, n_strongest: int) -> list[Group]:
    """Rows that have the same strongest features of a goal."""
    own = np.flatnonzero(goal_of_feature == goal)
    order = np.argsort(-np.abs(margin[:, own]), axis=1, kind="stable")
    # sorted: the same set in another order is the same game
    top = np.sort(own[order[:, :n_strongest]], axis=1)
    kinds, kind = np.unique(top, axis=0, return_inverse=True)
    # ravel: numpy 2.0 gives the inverse of rows a second axis
    by_kind = np.argsort(kind.ravel(), kind="stable")
    bounds = np.searchsorted(kind.ravel()[by_kind], np.arange(len(kinds) + 1))
    rows = [by_kind[a:b] for a, b in itertools.pairwise(bounds)]
    return [Group(table_of(goal, kinds[k], goal_of_feature), rows[k]) for k in range(len(kinds))]


def _by_row(groups: list[Group]) -> dict[int, list[Table]]:
    found: dict[int, list[Table]] = {}
    for table, rows in groups:
        for row in rows.tolist():
            found.setdefault(row, []).append(table)
    return found


def _is_shared(link: LinkGame, group: Group) -> bool:
    return len(group.rows) >= _SHARING_ROWS and _density(link, group.table) >= _DENSE


def _density(link: LinkGame, table: Table) -> float:
    """Mean share of the coalitions that differ in a tree, because it asks their players."""
    return float((2.0 ** np.bitwise_count(link.forest.asked(table.player))).mean() / table.size)


def _shared_worth(link: LinkGame, sides: Sides, group: Group, known: Matrix) -> Matrix:
    """Worth of all coalitions of a table for several rows; those without or with the whole goal are known."""
    table, places = group
    outer, full = np.arange(1 << table.n_outer), (1 << table.n_inner) - 1
    # the game of goals has a bit for this goal too; it is put between the others as 0
    goals = (outer & ((1 << table.goal) - 1)) | (outer >> table.goal << (table.goal + 1))
    worth = np.empty((len(places), len(outer), full + 1))
    worth[:, :, 0], worth[:, :, full] = known[:, goals], known[:, goals | 1 << table.goal]
    inner = np.arange(1, full)
    if len(inner):
        asked = (outer[:, None] << table.n_inner | inner).ravel().tolist()
        rows, reference = sides.rows.take(places), sides.reference
        if sides.paired:
            found = link.paired_worth(rows, reference.take(places), table.player, asked)
        else:
            found = link.worth(rows, reference, table.player, asked)
        worth[:, :, 1:full] = found.reshape(len(places), len(outer), -1)
    return worth.reshape(len(places), -1)
