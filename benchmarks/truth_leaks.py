"""How often the leak checks raise an alarm on portfolios in which nothing leaks.

`python benchmarks/truth_leaks.py` simulates clean portfolios of every world, hands each to the checks for leaks as
`RiskPipeline.fit` does, and prints in how many of them any check failed, with a 95 % interval (Clopper and Pearson) and
the codes that failed. `--seeds` says how many portfolios a world has, `--first` the first seed. The planted leaks that
must be found stand in `tests/checks/test_leak_exams.py`.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd
from scipy.stats import binomtest

import csrisk as cr
from csrisk.checks import (
    check_attributes,
    check_future_use,
    check_label_window,
    check_rows,
    check_single_feature,
    check_telling_values,
)
from csrisk.datasets import RegimeTraits, make_agents, make_regimes, make_saas

if TYPE_CHECKING:
    from collections.abc import Callable

    from csrisk.datasets import SaasBook

WORLDS: dict[str, Callable[..., SaasBook]] = {
    "make_saas": make_saas,
    "all mechanisms": lambda *size, **more: make_saas(*size, mechanisms="all", **more),
    "regimes .6": lambda *size, **more: make_regimes(*size, traits=RegimeTraits(0.6), **more),
    "agents": make_agents,
}


def alarms(name: str, accounts: int, months: int, seed: int) -> list[str]:
    """Codes of the checks that fail on one clean portfolio."""
    data = WORLDS[name](accounts, months, seed, monthly_churn=0.03).data()
    dates = [data.end - pd.DateOffset(months=back) for back in (10, 7, 4)]
    snapshots = cr.Snapshots.at(data, dates, horizon="90D", lead="14D")
    y = cr.label_churn(data, snapshots)
    X = cr.build_features(data, snapshots)
    checks = (
        check_single_feature(X, y),
        check_telling_values(X, y),
        check_attributes(X, data),
        check_rows(data),
        check_label_window(y, snapshots),
        check_future_use(X, data, snapshots),
    )
    return [check.code for check in checks if check.status == "failed"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=801)
    parser.add_argument("--accounts", type=int, default=150)
    parser.add_argument("--months", type=int, default=18)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| world | portfolios | with an alarm (95 %) | checks |\n|---|---|---|---|")
    for name in given.only:
        seeds = range(given.first, given.first + given.seeds)
        found = [alarms(name, given.accounts, given.months, seed) for seed in seeds]
        wrong = sum(bool(codes) for codes in found)
        ends = binomtest(wrong, len(found)).proportion_ci()
        codes = ", ".join(f"{code} {n}" for code, n in sorted(Counter(c for each in found for c in each).items()))
        told = f"{wrong} ({100 * ends.low:.0f} to {100 * ends.high:.0f} %)"
        print(f"| {name} | {len(found)} | {told} | {codes or 'none'} |", flush=True)


if __name__ == "__main__":
    main()
