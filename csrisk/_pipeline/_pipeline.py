"""RiskPipeline: features, labels, models, reference and record as one object that can be saved and run every night."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import pandas as pd

from csrisk._deprecated import grouped, require_none_left
from csrisk._pipeline._archive import open_archive, refusing, write_archive
from csrisk._pipeline._learning import _training as training
from csrisk._pipeline._learning._baseline import Baseline
from csrisk._pipeline._learning._forward import run_backtest
from csrisk._pipeline._learning._lifetimes import fit_longevity
from csrisk._pipeline._learning._panel import book, churn_model, features_of, panel, resolved
from csrisk._pipeline._load import open_source
from csrisk._pipeline._model_files._schemas import upgraded
from csrisk._pipeline._model_files._stored import identify, restore, scoring_members
from csrisk._pipeline._output._backfill import scored_books
from csrisk._pipeline._output._explaining import explained
from csrisk._pipeline._output._grown import explained_growth
from csrisk._pipeline._output._guarding import guarded, said_of_training
from csrisk._pipeline._output._past import Past
from csrisk._pipeline._output._reporting import report_of
from csrisk._pipeline._output._scores import frame_hash, scores_of
from csrisk._pipeline._output._shown import pipeline_html, pipeline_words
from csrisk._pipeline._output._watching import watched, with_scores
from csrisk._pipeline._predict import predictions
from csrisk._pipeline._settings._declared import goals_told
from csrisk._pipeline._settings._spec import RiskSpec
from csrisk._pipeline._settings._spec_builders import with_own
from csrisk.exceptions import ConfigError
from csrisk.monitoring._judging import MONTHS, months_of, profile_of
from csrisk.report import ReportForm

if TYPE_CHECKING:
    from csrisk._explain import Explanation
    from csrisk._pipeline._learning._amounts import Amounts
    from csrisk._pipeline._learning._band import RiskBand
    from csrisk._pipeline._learning._panel import Panel
    from csrisk._pipeline._model_files._record import Record
    from csrisk.checks import Check
    from csrisk.data import CustomerData
    from csrisk.evaluation import Backtest
    from csrisk.features import Builder
    from csrisk.models import ChurnModel, ExpansionModel, LongevityModel
    from csrisk.monitoring import Monitoring

__all__ = ["RiskPipeline"]

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
    tested_ : pandas.DataFrame or None
        What the models of the forward test told of later snapshots, on (account_id, as_of): ``churn_probability``; None
        without a test. Not saved: a model file holds no customer.
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
    tested_: pd.DataFrame | None
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
        # on a copy, taken over when all is there: a fit that fails leaves the pipeline as it was
        new = copy.copy(self)
        _logger.info("features and labels of the past")
        new.spec_, data, past = self._past(data, until, with_book=True)
        training.require_first(new.spec_, past.X)
        with training.every_core():
            test = training.tested(new.spec_, past)
            _logger.info("churn model from %s snapshots of %s accounts", f"{len(past.X):,}", f"{past.accounts:,}")
            new.model_ = churn_model(new.spec_, past.X).fit(past.X, past.churn)
            new.expansion_model_ = training.expansion_model(new.spec_, past)
            new.amounts_ = training.fit_amounts(new.spec_, data, past, new.expansion_model_)
            new.longevity_model_ = fit_longevity(new.spec_, data, past, until)
        new.band_ = training.band_of(test)
        # under the name that scores have: a report takes it in the place of scores that were kept
        new.tested_ = None if test is None else test.scores[["model"]].set_axis(["churn_probability"], axis=1)
        # before anything is explained below: contributions need the model and its reference
        new.reference_ = training.choose_reference(new.spec_, new.model_, past)
        left = training.leavers(data, past)
        checks = training.check_panel(new.spec_, data, past, test, None if left is None else explained(new, left))
        now, before = training.two_books(past)
        earlier = None if before is None else with_scores(before, explained(new, before))
        cut = data.end if until is None else until
        months = months_of(data, cut, MONTHS + 1)
        tables, goals = profile_of(data, cut, months), goals_told(new.spec_, now.columns)
        new.baseline_ = Baseline.of(new.model_, with_scores(now, explained(new, now)), earlier, tables, goals)
        new.record_ = training.remember(
            new.spec_, data, past, test, checks, width=new.model_.n_features_in_, until=until
        )
        # last of what is stored: the id hashes all of it, and `_require_fit` takes it for the sign of a fit
        new.model_id_ = identify(new)
        facts = {"model_id": new.model_id_, "data_hash": frame_hash(past.X), "until": f"{pd.Timestamp(cut):%Y-%m-%d}"}
        _logger.info("trained on %s snapshots", f"{len(past.X):,}", extra={"csrisk": facts})
        new.guards_ = said_of_training(data, cut, len(now), months)
        vars(self).update(vars(new))
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
        # what these tables resolve to is told by nobody but them: a fitted pipeline keeps what it was trained with
        spec, data, past = self._past(data, until)
        with training.every_core():
            test = training.tested(spec, past)
        return training.check_panel(spec, data, past, test)

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
        spec, _, past = self._past(data, until)
        _logger.info("backtest of %s trainings", spec.test.trainings)
        with training.every_core():
            return run_backtest(spec, past)

    def explain(
        self,
        data: CustomerData | str | Path,
        as_of: Any = None,
        *,
        outcome: Literal["churn", "expansion", "growth"] = "churn",
    ) -> Explanation:
        """Split the risk of every account of a book, or what is expected of its growth, over the goals.

        Parameters
        ----------
        data : CustomerData or path
            The tables, or a folder of them.
        as_of : date, optional
            Default is the end of the data.
        outcome : {"churn", "expansion", "growth"}, default "churn"
            Probability of churn or of expansion in percentage points, or the growth of monthly revenue that is
            expected, in money.

        Returns
        -------
        Explanation

        Raises
        ------
        CsriskError
            If a table of the training is missing, the date lies outside the data, nobody is eligible, columns are
            missing, or the pipeline has no model of the outcome.
        """
        self._require_fit()
        data = self._open(data)
        self.record_.require_tables(data.tables)
        _logger.info("features of the book")
        X = features_of(self.spec_, data, book(self.spec_, data, as_of))
        if outcome != "churn":
            return explained_growth(self, X, outcome)
        why = explained(self, X)
        # warned of here, where the book is seen first; `score` gets the same checks without a second warning
        guarded(self, data, why)
        return why

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
        return scores_of(self, data, why, guarded(self, data, why))

    def backfill(self, data: CustomerData | str | Path, dates: Iterable[Any]) -> Iterator[pd.DataFrame]:
        """Score a book at several dates: the tables of as many calls of `score`, at a fraction of the cost.

        Tables are read once, features are built for many dates together, and the model is prepared once.

        Parameters
        ----------
        data : CustomerData or path
            The tables, or a folder of them. What they know by their end is not hidden at earlier dates otherwise than
            in `score`: by the times of the rows, and by ``known_at`` where it is given.
        dates : iterable of date
            When to score; taken once each, in order.

        Yields
        ------
        pandas.DataFrame
            What ``score(data, date)`` gives, to the last bit; the date stands in its index.

        Raises
        ------
        CsriskError
            As `score`, before anything is yielded; nobody eligible at a date is such an error.

        Examples
        --------
        >>> import csrisk as cr
        >>> from pathlib import Path
        >>> from csrisk.pipeline import write_scores
        >>> def history(pipeline: cr.RiskPipeline, tables: Path, folder: Path) -> None:
        ...     for table in pipeline.backfill(tables, ["2025-01-01", "2025-02-01"]):
        ...         write_scores(folder / f"{table.index[0][1]:%Y-%m-%d}.parquet", table)
        """
        self._require_fit()
        data = self._open(data)
        self.record_.require_tables(data.tables)
        return scored_books(self, data, dates)

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
        scores: pd.DataFrame | None = None,
        monitoring: Monitoring | None = None,
        past: Past | None = None,
        form: ReportForm | None = None,
        **others: Any,
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
        scores : pandas.DataFrame, optional
            What `score` gave for the same book, to save the work.
        monitoring : Monitoring, optional
            What `monitor` gave; its checks and tables are added.
        past : Past, optional
            What is said of the past: an earlier book, scores that were kept, months.
        form : ReportForm, optional
            Heading, currency, links, names, length; the heading of the specification where it has none of its own.
        **others
            Fields of these two by their own name, and ``past_months``, as earlier releases took them; deprecated.

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
        call = "RiskPipeline.report"
        past = grouped(call, "past", Past, past, others, renamed={"past_months": "months"})
        form = grouped(call, "form", ReportForm, form, others)
        require_none_left(call, others)
        self._require_fit()
        data = self._open(data)
        why = self.explain(data, as_of) if why is None else why
        return report_of(self, path, data, why, scores, past or Past(), monitoring, form)

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
    def load(
        cls, path: str | Path, *, expected_sha256: str | None = None, builders: Sequence[Builder | str] = ()
    ) -> RiskPipeline:
        """Read a fitted pipeline; loading never executes code that the file holds.

        Parameters
        ----------
        path : str or Path
            What `save` wrote.
        expected_sha256 : str, optional
            Hash of the file from somebody you trust.
        builders : sequence of Builder or str
            Builders of your own that the model was trained with, or import paths of them: the file holds what they
            declare and not their code, and nothing is imported but what you name here. Without them the model predicts
            from features, and refuses what needs them to be built.

        Returns
        -------
        RiskPipeline

        Raises
        ------
        ModelFileError
            If the file is damaged, foreign, of a schema that this release does not read, or not the one expected.
        ConfigError
            If a builder cannot be imported, or is not the one of the training.
        """
        # it names its own refusals: only what is put together needs to be told whose file it is
        archive = open_archive(Path(path), expected_sha256)
        with refusing(Path(path).name, archive.origin):
            pipeline = restore(cls, upgraded(*archive))
        # outside of the refusal: a builder that does not fit is no fault of the file
        pipeline.spec = pipeline.spec_ = with_own(pipeline.spec_, builders)
        return pipeline

    def _past(
        self, data: CustomerData | str | Path, until: Any, *, with_book: bool = False
    ) -> tuple[RiskSpec, CustomerData, Panel]:
        data = self._open(data)
        # spec stays as it was given, so that a later fit on other tables resolves it anew
        spec = resolved(self.spec, data)
        return spec, data, panel(spec, data, until, with_book=with_book)

    def _open(self, data: CustomerData | str | Path) -> CustomerData:
        if not isinstance(data, str | Path):
            return data
        # spec and not spec_, which has lost its queries and the ends of the tables of the training
        return open_source(data, self.spec)

    def _require_fit(self) -> None:
        if not hasattr(self, "model_id_"):
            raise ConfigError("pipeline is not fitted; call fit(data) or RiskPipeline.load(path) first")
