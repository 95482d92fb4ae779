"""How many threads LightGBM may take to predict: one in a forked process, where those of the parent are gone."""

from __future__ import annotations

import os

__all__ = ["predict_threads"]

_forked = False


def _after_fork() -> None:
    global _forked  # a process is forked for good
    _forked = True


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


def predict_threads(n_jobs: int | None) -> int:
    """Give the number of threads to ask LightGBM for.

    Parameters
    ----------
    n_jobs : int or None
        As given to the model.

    Returns
    -------
    int
        1 where none is given, and in a forked process: OpenMP would wait there for ever for threads of the parent.
        Never more than there are cores: a model comes from one machine to another.
    """
    return 1 if n_jobs is None or _forked else min(n_jobs, os.cpu_count() or 1)
