"""How many threads LightGBM may take: one in a forked process, where those of the parent are gone."""

from __future__ import annotations

import os
import sys

from csrisk._processes import is_forked

__all__ = ["predict_threads", "restrain"]


def restrain() -> None:
    """Hold LightGBM to one thread in a forked process, whoever calls it there: csrisk, pickle or the user.

    OpenMP would wait for ever for threads of the parent. LightGBM's own limit stands above every ``num_threads``, also
    for what takes none: text, loading, copies.
    """
    library = getattr(sys.modules.get("lightgbm.basic"), "_LIB", None)
    if is_forked() and library is not None:
        library.LGBM_SetMaxThreads(1)


def predict_threads(n_jobs: int | None) -> int:
    """Give the number of threads to ask LightGBM for.

    Parameters
    ----------
    n_jobs : int or None
        As given to the model; -1 is every core.

    Returns
    -------
    int
        1 where none is given, and in a forked process: OpenMP would wait there for ever for threads of the parent.
        Never more than there are cores: a model comes from one machine to another.
    """
    if n_jobs is None or is_forked():
        return 1
    cores = os.cpu_count() or 1
    return max(1, min(n_jobs if n_jobs >= 0 else cores + 1 + n_jobs, cores))


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=restrain)
