"""How many threads LightGBM may take: one in a forked process, where those of the parent are gone."""

from __future__ import annotations

import os
import sys

from csrisk._machine import is_forked

__all__ = ["predict_threads", "restrain"]


def restrain() -> None:
    """Hold LightGBM to one thread in a forked process, whoever calls it there: csrisk, pickle or the user.

    OpenMP would wait for ever for threads of the parent. LightGBM's own limit stands above every ``num_threads``, also
    for what takes none: text, loading, copies.
    """
    # looked up and not imported: a process that never used LightGBM shall not load it here
    library = getattr(sys.modules.get("lightgbm.basic"), "_LIB", None)
    if is_forked() and library is not None:
        library.LGBM_SetMaxThreads(1)


def predict_threads(n_jobs: int | None) -> int:
    """Give the number of threads to ask LightGBM for."""
    if n_jobs is None or is_forked():
        return 1
    cores = os.cpu_count() or 1
    # -1 is every core, as in joblib; never more than there are, as a model comes from one machine to another
    return max(1, min(n_jobs if n_jobs >= 0 else cores + 1 + n_jobs, cores))


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=restrain)
