"""RiskPipeline: features, labels, models, reference and record as one object that can be saved and run every night."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from csrisk._explain import Reference, explain
from csrisk._pipeline import _training as training
from csrisk._pipeline._archive import open_archive, refusing, write_archive
from csrisk._pipeline._baseline import Baseline
from csrisk._pipeline._declared import declarations, goals_told
from csrisk._pipeline._forward import run_backtest
from csrisk._pipeline._guarding import guarded, said_of_training
from csrisk._pipeline._lifetimes import MONTHS, fit_longevity, lifetimes
from csrisk._pipeline._load import open_source
from csrisk._pipeline._panel import book, churn_model, features_of, panel, resolved
from csrisk._pipeline._predict import predictions, standing
from csrisk._pipeline._reporting import report_of
from csrisk._pipeline._schemas import upgraded
from csrisk._pipeline._scores import frame_hash, log_scores, score_table
from csrisk._pipeline._shown import pipeline_html, pipeline_words
from csrisk._pipeline._spec import RiskSpec
from csrisk._pipeline._stored import identify, restore, scoring_members
from csrisk._pipeline._watching import watched, with_scores
from csrisk.exceptions import ConfigError
from csrisk.monitoring._tables import profile_of

if TYPE_CHECKING:
    from csrisk._evaluation import Backtest
    from csrisk._explain import Explanation
    from csrisk._pipeline._amounts import Amounts
    from csrisk._pipeline._band import RiskBand
    from csrisk._pipeline._panel import Panel
    from csrisk._pipeline._record import Record
    from csrisk.checks import Check
    from csrisk.data import CustomerData
    from csrisk.models import ChurnModel, ExpansionModel, LongevityModel
    from csrisk.monitoring import Monitoring

__all__ = ["RiskPipeline"]

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
    amounts_ : Amounts or None
        Expected growth and shrinkage of monthly revenue; None where revenue or expansion is not known.
    longevity_model_ : LongevityModel or None
        How long accounts stay; None where ``longevity.months`` is not given or the data cannot tell.
    band_ : RiskBand or None
        How sure a told risk is, from the forward test.
    reference_ : pandas.DataFrame
        Features of the snapshots that explanations compare with.
    baseline_ : Baseline
        The book at training, column by column, for monitoring.
    record_ : Record
        Facts of the training, the forward test and the checks.
    model_id_ : str
        Hash of what scoring, monitoring and reports depend on.
    guards_ : tuple of Check
        How the latest month of the tables differs from those before, as `fit` found it; not saved.

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

    spec_: RiskSpec
    model_: ChurnModel
    expansion_model_: ExpansionModel | None
    amounts_: Amounts | None
    longevity_model_: LongevityModel | None
    band_: RiskBand | None
    reference_: pd.DataFrame
    baseline_: Baseline
    record_: Record
    model_id_: str
    guards_: tuple[Check, ...]

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

    def __repr__(self) -> str:
        return pipeline_words(self)

    def _repr_html_(self) -> str:
        return pipeline_html(self)

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
        _logger.info("features and labels of the past")
        data, past = self._past(data, until)
        test = training.tested(self.spec_, past)
        _logger.info("churn model from %s snapshots of %s accounts", f"{len(past.X):,}", f"{past.accounts:,}")
        self.model_ = churn_model(self.spec_, past.X).fit(past.X, past.churn)
        self.expansion_model_ = training.expansion_model(self.spec_, past)
        self.amounts_ = training.fit_amounts(self.spec_, data, past, self.expansion_model_)
        self.longevity_model_ = fit_longevity(self.spec_, data, past, until)
        self.band_ = training.band_of(test)
        self.reference_ = training.choose_reference(self.spec_, self.model_, past)
        left = training.leavers(data, past)
        checks = training.check_panel(self.spec_, data, past, test, None if left is None else self._explained(left))
        now, before = training.two_books(self.spec_, data, past, until)
        earlier = None if before is None else with_scores(before, self._explained(before))
        cut = data.end if until is None else until
        tables, goals = profile_of(data, cut), goals_told(self.spec_, now.columns)
        self.baseline_ = Baseline.of(self.model_, with_scores(now, self._explained(now)), earlier, tables, goals)
        self.record_ = training.remember(
            self.spec_, data, past, test, checks, width=self.model_.n_features_in_, until=until
        )
        self.model_id_ = identify(self)
        facts = {"model_id": self.model_id_, "data_hash": frame_hash(past.X), "until": f"{pd.Timestamp(cut):%Y-%m-%d}"}
        _logger.info("trained on %s snapshots", f"{len(past.X):,}", extra={"csrisk": facts})
        self.guards_ = said_of_training(data, cut, len(now))
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
        data, past = self._past(data, until)
        return training.check_panel(self.spec_, data, past, training.tested(self.spec_, past))

    def backtest(self, data: CustomerData | str | Path, until: Any = None) -> Backtest:
        """Train at several dates of the past, and judge each model on what came after it.

        Parameters
        ----------
        data : CustomerData or path
            The tables, or a folder of them.
        until : date, optional
            As for `fit`.

        Returns
        -------
        Backtest
            ``trainings`` dates in the test period of the specification.

        Raises
        ------
        CsriskError
            As `fit`, or if the test period allows no training.
        """
        _, past = self._past(data, until)
        _logger.info("backtest of %s trainings", self.spec_.test.trainings)
        return run_backtest(self.spec_, past)

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
            If a table of the training is missing, the date lies outside the data, nobody is eligible, or columns are
            missing.
        """
        self._require_fit()
        data = self._open(data)
        self.record_.require_tables(data.tables)
        _logger.info("features of the book")
        X = features_of(self.spec_, data, book(self.spec_, data, as_of))
        why = self._explained(X)
        guarded(self, data, why)
        return why

    def _explained(self, X: pd.DataFrame) -> Explanation:
        _logger.info("contributions of %s accounts", f"{len(X):,}")
        kind = self.spec_.reference.kind
        rows = X if kind == "book" else self.reference_
        reference = Reference(rows, "book", f"{len(rows):,} {_COMPARED_WITH[kind]}")
        told = declarations(self.spec_, X.columns) if self.spec_.measures else None
        return explain(self.model_, X, reference=reference, declarations=told, n_reference=self.spec_.reference.rows)

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
            Index (account_id, as_of); columns as documented under "score table": priority, churn probability and its
            interval, expansion, revenue, contributions by goal, reasons, quadrant, model and data. How the book differs
            from what training saw is warned of, and stands in ``attrs["checks"]``.

        Raises
        ------
        CsriskError
            As `explain`.
        """
        self._require_fit()
        data = self._open(data)
        why = self.explain(data, as_of) if why is None else why
        checks = guarded(self, data, why)
        X = why.background.values  # noqa: PD011  # the field of a dataclass
        told, place = self.predict(X), standing(data, X.index)
        table = score_table(
            why,
            X,
            self.model_id_,
            risk=told["churn_probability"].to_numpy(),
            expansion=told["expansion_probability"].to_numpy(),
            band=self.band_,
            change=told["expected_mrr_change"],
            quadrant=place["quadrant"],
            lifetimes=None if self.longevity_model_ is None else lifetimes(told[MONTHS], place),
            trained_at=self.record_.facts.get("trained at"),
            checks=checks,
        )
        log_scores(table)
        return table

    def predict(self, X: pd.DataFrame) -> pd.DataFrame:
        """Predict from features alone: what a service or a Spark job needs, where no tables are at hand.

        Parameters
        ----------
        X : pandas.DataFrame
            Features, as `build_features` gives them.

        Returns
        -------
        pandas.DataFrame
            Index of `X`; ``churn_probability``, ``churn_low``, ``churn_high``, ``expansion_probability``,
            ``expected_mrr_change``, the same as `score` gives; with longevity also ``expected_months``,
            ``months_low`` and ``months_high``.

        Raises
        ------
        ConfigError
            If the pipeline is not fitted.
        ValueError
            If columns are missing or of another kind.
        """
        self._require_fit()
        return predictions(self, X)

    def monitor(
        self,
        data: CustomerData | str | Path,
        as_of: Any = None,
        *,
        history: pd.DataFrame | str | Path | None = None,
        why: Explanation | None = None,
    ) -> Monitoring:
        """Hold a book against the one at training: drift, calibration, performance, staleness.

        Parameters
        ----------
        data : CustomerData or path
            The tables, or a folder of them.
        as_of : date, optional
            Default is the end of the data.
        history : pandas.DataFrame or path, optional
            Scores of earlier dates, or a folder of score files. Outcomes that the data know by now are held against
            those that this model told.
        why : Explanation, optional
            What `explain` gave for the same book, to save the work.

        Returns
        -------
        Monitoring

        Raises
        ------
        CsriskError
            As `explain`, or if the history cannot be read.
        """
        self._require_fit()
        data = self._open(data)
        if why is None:
            why = self.explain(data, as_of)
        _logger.info("monitoring")
        return watched(self, data, why, history)

    def report(
        self,
        path: str | Path,
        data: CustomerData | str | Path,
        as_of: Any = None,
        *,
        why: Explanation | None = None,
        previous: Any = None,
        monitoring: Monitoring | None = None,
        **options: Any,
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
        previous : date or Explanation, optional
            An earlier book, to say what moved since; default is the same day of the six months before.
        monitoring : Monitoring, optional
            What `monitor` gave; its checks and tables are added.
        **options
            ``currency``, ``account_url``, ``by_owner``, ``digest``, ``pseudonymise``, ``max_cards``, ``chunk`` of
            `csrisk.write_report`.

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
        return report_of(self, path, data, why, previous, monitoring, options)

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
        ModelFileError
            If the model is larger than what `load` reads.
        OSError
            If the file cannot be written; what stood there is as it was.
        """
        self._require_fit()
        return write_archive(Path(path), scoring_members(self))

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
            If the file is damaged, foreign, of a schema that this release does not read, or not the one expected.
        """
        archive = open_archive(Path(path), expected_sha256)
        with refusing(Path(path).name, archive.origin):
            return restore(cls, upgraded(*archive))

    def _past(self, data: CustomerData | str | Path, until: Any) -> tuple[CustomerData, Panel]:
        data = self._open(data)
        self.spec_ = resolved(self.spec, data)
        return data, panel(self.spec_, data, until)

    def _open(self, data: CustomerData | str | Path) -> CustomerData:
        if not isinstance(data, str | Path):
            return data
        return open_source(data, self.spec)

    def _require_fit(self) -> None:
        if not hasattr(self, "model_id_"):
            raise ConfigError("pipeline is not fitted; call fit(data) or RiskPipeline.load(path) first")
