"""What the families of optional tables add: forward AUC and log-loss with and without them, on simulated portfolios.

    python benchmarks/families.py --accounts 800 --seeds 3 --write benchmarks/families.md

The portfolios are those of `make_saas(mechanisms="all")`: sponsors go, invoices are late, teams hand over, promises of
sales are broken, and so on. A model learns from all months but the last six, less lead and horizon, and is judged on
these. The gain is that of a family alone beside the default features of every portfolio; intervals (95 %) resample
accounts of all portfolios together. On the same portfolios with strength 0 the signs are there and do nothing: a family
that gains there gains by chance.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

PULSE = "csm_pulse"


def panels(n_accounts: int, seed: int, strength: float):
    """Features by family, and the label, of one portfolio."""
    import csrisk as cr
    from csrisk.datasets import MECHANISMS, make_saas
    from csrisk.features import AccountContext, Measures, default_builders, further_builders

    data = make_saas(n_accounts, 30, seed=seed, mechanisms=dict.fromkeys(MECHANISMS, strength)).data()
    past = cr.Snapshots.every(data, "1MS", lead="14D", horizon="90D")
    churn = cr.label_churn(data, past)
    kept = past[churn.notna()]
    usual = [one for one in default_builders() if not isinstance(one, AccountContext)]
    parts = {"": cr.build_features(data, kept, [*usual, AccountContext()])}
    for family in (one for one in further_builders() if one.found_in(data)):
        parts[type(family).__name__] = cr.build_features(data, kept, [family])
    pulse = Measures((cr.Feature(PULSE, "advocacy", "points", "The CSM gives {value}", -1),))
    parts["Measures (csm_pulse)"] = cr.build_features(data, kept, [pulse])
    return parts, churn[churn.notna()].astype(bool), kept


def predicted(parts: dict[str, pd.DataFrame], names: list[str], churn: pd.Series, kept) -> pd.Series:
    """Probabilities of the later period by a model that learned before it."""
    import csrisk as cr

    X = pd.concat([parts[""], *(parts[name] for name in names)], axis=1)
    dates = X.index.get_level_values("as_of").unique().sort_values()
    train, test = cr.ForwardSplit.at(kept, dates[-6])
    model = cr.ChurnModel(random_state=0, n_members=1, blend=False).fit(X.loc[train], churn.loc[train])
    return pd.Series(model.predict_proba(X.loc[test])[:, 1], index=X.index[test.to_numpy()])


def measured(risk: pd.DataFrame, churn: np.ndarray, account: np.ndarray, n_bootstrap: int = 200) -> pd.DataFrame:
    """Gain of each column in AUC, and its ratio of log-loss, against the first, with intervals over accounts."""
    ids, codes = np.unique(account, return_inverse=True)
    rows = [np.flatnonzero(codes == code) for code in range(len(ids))]
    rng = np.random.default_rng(0)
    drawn = [np.concatenate([rows[i] for i in rng.integers(0, len(ids), len(ids))]) for _ in range(n_bootstrap)]
    found = {}
    for name in risk.columns[1:]:
        both = [[_scores(risk[column].to_numpy()[at], churn[at]) for column in (risk.columns[0], name)] for at in drawn]
        gains = [new[0] - old[0] for old, new in both]
        ratios = [new[1] / old[1] for old, new in both]
        old, new = (_scores(risk[column].to_numpy(), churn) for column in (risk.columns[0], name))
        found[name] = [new[0], new[0] - old[0], *np.quantile(gains, [0.025, 0.975])]
        found[name] += [new[1] / old[1], *np.quantile(ratios, [0.025, 0.975])]
    columns = ["auc", "gain", "gain_low", "gain_high", "log_loss_ratio", "ratio_low", "ratio_high"]
    return pd.DataFrame.from_dict(found, orient="index", columns=columns)


def _scores(p: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    p = p.clip(1e-6, 1 - 1e-6)
    return float(roc_auc_score(y, p)), float(-np.where(y, np.log(p), np.log(1 - p)).mean())


def compared(n_accounts: int, seeds: int, strength: float) -> tuple[pd.DataFrame, int, int]:
    """Gain of each family and of all, over some portfolios."""
    risks, outcomes = [], []
    for seed in range(seeds):
        parts, churn, kept = panels(n_accounts, seed, strength)
        families = [name for name in parts if name]
        ways = {"without": [], "all": families, **{name: [name] for name in families}}
        risk = pd.DataFrame({way: predicted(parts, names, churn, kept) for way, names in ways.items()})
        outcomes.append(churn.loc[risk.index])
        account = risk.index.get_level_values("account_id").astype(str)
        risks.append(risk.set_axis(pd.Index([f"{seed} {one}" for one in account])))
    risk, churn = pd.concat(risks), pd.concat(outcomes).to_numpy()
    return measured(risk, churn, risk.index.to_numpy()), len(churn), int(churn.sum())


def page(tables: dict[float, tuple[pd.DataFrame, int, int]], arguments: argparse.Namespace, seconds: float) -> str:
    """Write the result as Markdown."""
    words = " ".join(line for line in (__doc__ or "").split("\n\n")[2].splitlines())
    lines = ["# Families of optional tables", "", words, ""]
    lines += [f"{arguments.seeds} portfolios of {arguments.accounts} accounts, {seconds:.0f} s.", ""]
    for strength, (table, n, events) in tables.items():
        heading = "Mechanisms as declared" if strength else "Strength 0: signs without any effect"
        lines += [f"## {heading}", "", f"{n:,} snapshots in the later period, {events} churned.", ""]
        lines += ["| features beside the usual | AUC | gain | ratio of log-loss |", "|---|---|---|---|"]
        for name, row in table.iterrows():
            gain = f"{row['gain']:+.3f} ({row['gain_low']:+.3f} to {row['gain_high']:+.3f})"
            ratio = f"{row['log_loss_ratio']:.3f} ({row['ratio_low']:.3f} to {row['ratio_high']:.3f})"
            lines.append(f"| {name} | {row['auc']:.3f} | {gain} | {ratio} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=800)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--strengths", type=float, nargs="+", default=[1.0, 0.0])
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    begun = time.process_time()
    tables = {strength: compared(arguments.accounts, arguments.seeds, strength) for strength in arguments.strengths}
    text = page(tables, arguments, time.process_time() - begun)
    print(text)
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
