"""RiskPipeline: features, labels, models, reference and record as one object that can be saved and run every night."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from csrisk._days import whole_days
from csrisk._explain import Reference, explain
from csrisk._pipeline._archive import array_from_bytes, array_to_bytes, read_archive, write_archive
from csrisk._pipeline._forward import ForwardTest, calibration_table, forward_test
from csrisk._pipeline._load import open_folder
from csrisk._pipeline._model_file import frame_of, model_from_members, model_to_members, read_json, write_json
from csrisk._pipeline._panel import Panel, book, features_of, panel, resolved
from csrisk._pipeline._record import Record
from csrisk._pipeline._scores import score_table
from csrisk._pipeline._spec import RiskSpec
from csrisk.checks import checks_frame, run_checks
from csrisk.exceptions import ConfigError, DataWarning, NotEnoughDataError, SnapshotError
from csrisk.models import ChurnModel, ExpansionModel
from csrisk.report import write_report

if TYPE_CHECKING:
    import pandas as pd

    from csrisk._explain import Explanation
    from csrisk.checks import Check
    from csrisk.data import CustomerData

__all__ = ["RiskPipeline"]

_REFERENCE_ROWS = 1000
_HEALTHIEST = 0.1
_EXPANSION_LIST = 50
_COMPARED_WITH = {
    "training": "snapshots of the training period",
    "book": "accounts of this book",
    "healthiest": "snapshots with the lowest tenth of risk in the training period",
}
_logger = logging.getLogger("csrisk")


class RiskPipeline:
    """From tables to scores, explanations and a report; fitted once, saved, and run every night.

    Parameters
    ----------
    spec : RiskSpec, mapping, path or str, optional
        What the run is made of, or a TOML file or text that says so. The default fits a book with contracts or usage.

    Attributes
    ----------
    spec_ : RiskSpec
        The specification with everything resolved at fitting.
    model_ : ChurnModel
        Fitted to every labelled snapshot.
    expansion_model_ : ExpansionModel or None
        None where the data cannot tell expansion.
    reference_ : pandas.DataFrame
        Features of the snapshots that explanations compare with.
    record_ : Record
        Facts of the training, the forward test and the checks.
    model_id_ : str
        Hash of what scoring depends on.

    Raises
    ------
    ConfigError
        If the specification breaks a rule.

    Examples
    --------
    >>> import csrisk as cr
    >>> pipeline = cr.RiskPipeline({"snapshots": {"horizon": "28D"}})
    >>> pipeline.spec.snapshots.horizon
    '28D'
    """

    def __init__(self, spec: RiskSpec | Mapping[str, Any] | str | Path | None = None) -> None:
        if spec is None:
            spec = RiskSpec()
        elif isinstance(spec, Mapping):
            spec = RiskSpec.from_dict(spec)
        elif isinstance(spec, str | Path):
            spec = RiskSpec.from_toml(spec)
        elif not isinstance(spec, RiskSpec):
            raise ConfigError(f"spec={type(spec).__name__}: pass a RiskSpec, a mapping, or a TOML file or its text")
        self.spec = spec

    def fit(self, data: CustomerData | str | Path, until: Any = None) -> Self:
        """Test a model on the latest period, then fit to everything that was known before a date.

        Parameters
        ----------
        data : CustomerData or path
            The tables, or a folder of them.
        until : date, optional
            Labels use nothing from that date on; default is the end of the data.

        Returns
        -------
        self

        Raises
        ------
        CsriskError
            If the specification, the data, the dates or the labels do not allow a model; the message says what to do.
        """
        data = self._open(data)
        self.spec_ = resolved(self.spec, data)
        _logger.info("features and labels of the past")
        past = panel(self.spec_, data, until)
        test = self._test(past)
        checks = _check(data, past, test)
        _logger.info("churn model from %s snapshots of %s accounts", f"{len(past.X):,}", f"{past.accounts:,}")
        self.model_ = ChurnModel(**self.spec_.model).fit(past.X, past.churn)
        self.expansion_model_ = self._fit_expansion(past)
        self.reference_ = self._choose_reference(past)
        self.model_id_ = self._identify()
        self.record_ = self._remember(data, past, test, checks_frame(checks))
        return self

    def check(self, data: CustomerData | str | Path, until: Any = None) -> tuple[Check, ...]:
        """Check data, labels and features before anything is fitted to all of them.

        Parameters
        ----------
        data : CustomerData or path
            The tables, or a folder of them.
        until : date, optional
            As for `fit`.

        Returns
        -------
        tuple of Check
            With codes; passed, failed or not applicable.

        Raises
        ------
        CsriskError
            As `fit`.
        """
        data = self._open(data)
        self.spec_ = resolved(self.spec, data)
        past = panel(self.spec_, data, until)
        return _check(data, past, self._test(past))

    def explain(self, data: CustomerData | str | Path, as_of: Any = None) -> Explanation:
        """Split the risk of every account of a book over the goals.

        Parameters
        ----------
        data : CustomerData or path
            The tables, or a folder of them.
        as_of : date, optional
            Default is the end of the data.

        Returns
        -------
        Explanation

        Raises
        ------
        CsriskError
            If the date lies outside the data, nobody is eligible, or columns are missing.
        """
        self._require_fit()
        data = self._open(data)
        _logger.info("features of the book")
        X = features_of(self.spec_, data, book(self.spec_, data, as_of))
        _logger.info("contributions of %s accounts", f"{len(X):,}")
        kind = self.spec_.reference.kind
        rows = X if kind == "book" else self.reference_
        reference = Reference(rows, "book", f"{len(rows):,} {_COMPARED_WITH[kind]}")
        return explain(self.model_, X, reference=reference, n_reference=self.spec_.reference.rows)

    def score(
        self, data: CustomerData | str | Path, as_of: Any = None, *, why: Explanation | None = None
    ) -> pd.DataFrame:
        """Score a book: one row for each account, most urgent first.

        Parameters
        ----------
        data : CustomerData or path
            The tables, or a folder of them.
        as_of : date, optional
            Default is the end of the data.
        why : Explanation, optional
            What `explain` gave for the same book, to save the work.

        Returns
        -------
        pandas.DataFrame
            Index (account_id, as_of). ``priority``, ``churn_probability``, ``expansion_probability``, ``mrr``,
            ``mrr_at_risk``, ``reference_points`` and ``<goal>_points`` that add up to the probability, ``main_goal``,
            ``reason_1`` to ``reason_3``, ``model_id``, ``data_hash``, ``schema``.

        Raises
        ------
        CsriskError
            As `explain`.
        """
        self._require_fit()
        why = self.explain(data, as_of) if why is None else why
        X = why.background.values  # noqa: PD011  # the field of a dataclass
        expansion = None if self.expansion_model_ is None else self.expansion_model_.predict_proba(X)[:, 1]
        return score_table(why, X, expansion, self.model_id_)

    def report(
        self, path: str | Path, data: CustomerData | str | Path, as_of: Any = None, *, why: Explanation | None = None
    ) -> Path:
        """Write the report of a book.

        Parameters
        ----------
        path : str or Path
            The suffix decides: ``.html``, ``.md``, ``.json``, ``.csv``.
        data : CustomerData or path
            The tables, or a folder of them.
        as_of : date, optional
            Default is the end of the data.
        why : Explanation, optional
            What `explain` gave for the same book, to save the work.

        Returns
        -------
        Path

        Raises
        ------
        CsriskError
            As `explain`, or if the suffix is none of these.
        OSError
            If the file cannot be written.
        """
        self._require_fit()
        data = self._open(data)
        why = self.explain(data, as_of) if why is None else why
        scores = self.score(data, why=why)
        _logger.info("report")
        record, rule = self.record_, self.spec_.snapshots
        return write_report(
            path,
            why,
            data=data,
            title=self.spec_.report.title,
            evaluation=record.evaluation() or None,
            calibration=record.calibration,
            checks=record.checks,
            backtest=record.dates,
            expansion=self._expansion_list(scores),
            provenance={**record.facts, "model": self.model_id_, "data": scores["data_hash"].iloc[0]},
            window=(whole_days(rule.lead, "lead"), whole_days(rule.horizon, "horizon")),
        )

    def save(self, path: str | Path) -> str:
        """Write the fitted pipeline: a zip of JSON, text and arrays, no pickle, each part with its hash.

        Parameters
        ----------
        path : str or Path
            Where; the ending ``.csrisk`` is usual.

        Returns
        -------
        str
            sha256 of the file, for ``load(path, expected_sha256=...)``.

        Raises
        ------
        ConfigError
            If the pipeline is not fitted.
        OSError
            If the file cannot be written; what stood there is as it was.
        """
        self._require_fit()
        members = {**self._scoring_members(), "record.json": write_json(self.record_.to_dict())}
        return write_archive(Path(path), members)

    @classmethod
    def load(cls, path: str | Path, *, expected_sha256: str | None = None) -> RiskPipeline:
        """Read a fitted pipeline; loading never executes code that the file holds.

        Parameters
        ----------
        path : str or Path
            What `save` wrote.
        expected_sha256 : str, optional
            Hash of the file from somebody you trust.

        Returns
        -------
        RiskPipeline

        Raises
        ------
        ModelFileError
            If the file is damaged, foreign, too new, or not the one expected.
        """
        members = read_archive(Path(path), expected_sha256)
        pipeline = cls(RiskSpec.from_dict(read_json(members, "spec.json")))
        pipeline.spec_ = pipeline.spec
        pipeline.model_ = model_from_members(members, "churn")
        pipeline.expansion_model_ = model_from_members(members, "expansion") if "expansion.json" in members else None
        pipeline.reference_ = frame_of(
            pipeline.model_, array_from_bytes(members.get("arrays/reference.npy", b""), "reference")
        )
        pipeline.record_ = Record.from_dict(read_json(members, "record.json"))
        pipeline.model_id_ = pipeline._identify()
        return pipeline

    def _open(self, data: CustomerData | str | Path) -> CustomerData:
        if not isinstance(data, str | Path):
            return data
        return open_folder(data, self.spec)

    def _require_fit(self) -> None:
        if not hasattr(self, "model_id_"):
            raise ConfigError("pipeline is not fitted; call fit(data) or RiskPipeline.load(path) first")

    def _test(self, past: Panel) -> ForwardTest | None:
        _logger.info("forward test")
        try:
            return forward_test(self.spec_, past)
        except (NotEnoughDataError, SnapshotError) as error:
            if self.spec_.test.start is not None:
                raise
            warnings.warn(f"no forward test, so nothing is known of quality: {error}", DataWarning, stacklevel=3)
            return None

    def _fit_expansion(self, past: Panel) -> ExpansionModel | None:
        if past.expansion is None:
            return None
        _logger.info("expansion model")
        try:
            return ExpansionModel(**self.spec_.model).fit(past.X, past.expansion)
        except NotEnoughDataError as error:
            if self.spec.label.expansion != "auto":
                raise
            warnings.warn(f"no expansion model: {error}", DataWarning, stacklevel=3)
            return None

    def _choose_reference(self, past: Panel) -> pd.DataFrame:
        rows = past.X
        if self.spec_.reference.kind == "healthiest":
            order = np.argsort(self.model_.decision_function(rows), kind="stable")
            rows = rows.iloc[np.sort(order[: max(1, int(len(rows) * _HEALTHIEST))])]
        if len(rows) > _REFERENCE_ROWS:
            chosen = np.random.default_rng(0).choice(len(rows), _REFERENCE_ROWS, replace=False)
            rows = rows.iloc[np.sort(chosen)]
        # without the keys: a model file holds no account
        return frame_of(self.model_, self.model_.encode(rows))

    def _scoring_members(self) -> dict[str, bytes]:
        members = {
            "spec.json": write_json(self.spec_.to_dict()),
            **model_to_members(self.model_, self.reference_, "churn"),
            "arrays/reference.npy": array_to_bytes(self.model_.encode(self.reference_)),
        }
        if self.expansion_model_ is not None:
            members |= model_to_members(self.expansion_model_, self.reference_, "expansion")
        return members

    def _identify(self) -> str:
        digest = hashlib.sha256()
        for name, content in sorted(self._scoring_members().items()):
            digest.update(f"{name} {len(content)}\n".encode() + content)
        return digest.hexdigest()[:16]

    def _remember(self, data: CustomerData, past: Panel, test: ForwardTest | None, checks: pd.DataFrame) -> Record:
        dates, rule = past.snapshots.as_of, self.spec_.snapshots
        facts = {
            "learned from": f"{len(past.X):,} snapshots of {past.accounts:,} accounts",
            "first and last snapshot": f"{dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}",
            "churned": f"{int(past.churn.sum()):,} snapshots ({100 * float(past.churn.mean()):.1f} %)",
            "label": f"lead {rule.lead}, horizon {rule.horizon}, kind {self.spec_.label.kind}",
            "end of the data": f"{data.end:%Y-%m-%d}",
            "tables": list(data.tables),
            "features": self.model_.n_features_in_,
        }
        if test is None:
            return Record(facts, checks=checks)
        facts["tested on"] = f"{len(test.scores):,} snapshots from {test.start:%Y-%m-%d}"
        facts["tested model learned from"] = f"{int(test.split[0].sum()):,} snapshots, trained {len(test.dates)} times"
        return Record(facts, test.metrics, test.gain, test.dates, calibration_table(test.scores), checks)

    def _expansion_list(self, scores: pd.DataFrame) -> pd.DataFrame | None:
        if self.expansion_model_ is None:
            return None
        best = scores.sort_values("expansion_probability", ascending=False, kind="stable").head(_EXPANSION_LIST)
        return best[["expansion_probability", "mrr", "churn_probability"]].dropna(axis="columns", how="all")


def _check(data: CustomerData, past: Panel, test: ForwardTest | None) -> tuple[Check, ...]:
    _logger.info("checks")
    evidence: dict[str, Any] = {} if test is None else {"split": test.split, "risk": test.scores["model"]}
    return run_checks(past.X, past.churn, data=data, snapshots=past.snapshots, **evidence)
