"""The command line: exit codes, one clear message for an error, quiet where nobody watches."""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import os
import pty
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from csrisk import RiskPipeline
from csrisk._pipeline import open_source
from csrisk._pipeline._learning._panel import features_of
from csrisk.cli import main
from csrisk.cli._logging import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from csrisk import CustomerData, RiskSpec, Snapshots
    from csrisk.datasets._saas._make import SaasBook

CONFIG = """
[snapshots]
lead = 0
[model]
n_members = 2
min_events = 2
num_leaves = 4
blend = false
[features]
optional = []
[test]
n_bootstrap = 20
[reference]
rows = 20
[label]
expansion = "none"
"""


TABLES = ("accounts", "subscriptions", "usage", "contacts", "surveys")  # of ten: each table costs every command


@pytest.fixture(scope="module")
def folder(small_saas: SaasBook, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    for name in TABLES:
        small_saas.tables[name].to_parquet(folder / f"{name}.parquet", index=False)
    (folder / "c.toml").write_text(CONFIG, encoding="utf-8")
    return folder


@pytest.fixture(scope="module", autouse=True)
def read_once() -> Iterator[None]:
    """A source is read, and the features of a date are made, by the first command that asks for them.

    What is read is the same every time, as other files show; here it is what commands make of it.
    """
    read: dict[tuple[str, ...], CustomerData] = {}
    made: dict[tuple[int, str, bytes], pd.DataFrame] = {}

    def open_once(source: str | Path, spec: RiskSpec, *, end: str | None = None) -> CustomerData:
        key = (str(source), str(end), repr(spec.tables), repr(spec.queries), repr(spec.features), str(os.getpid()))
        if key not in read:
            read[key] = open_source(source, spec, end=end)
        return read[key]

    def made_once(spec: RiskSpec, data: CustomerData, snapshots: Snapshots) -> pd.DataFrame:
        rows = pd.util.hash_pandas_object(snapshots.index.to_frame()).to_numpy().tobytes()
        key = (id(data), repr(spec.features) + repr(spec.snapshots), rows)
        if key not in made:
            made[key] = features_of(spec, data, snapshots)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("csrisk._pipeline.open_source", open_once)
        patch.setattr("csrisk._pipeline._pipeline.features_of", made_once)
        yield


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    path = folder / "m.csrisk"
    done = call("train", folder, "--config", folder / "c.toml", "--model", path)
    assert done.exit_code == 0, done.output
    assert "csrisk model" in done.stdout
    assert "recency alone" in done.stdout
    return path


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    return {}


@pytest.fixture
def worked_out_once(answers: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What `check` and `backtest` find in the book is worked out by the first command that asks, and then shown again.

    For tests of what one configuration makes a command print in several forms.
    """

    def kept(name: str) -> Callable[..., Any]:
        real = getattr(RiskPipeline, name)

        def ask(self: RiskPipeline, *words: Any) -> Any:
            if name not in answers:
                answers[name] = real(self, *words)
            return answers[name]

        return ask

    for name in ("check", "backtest"):
        monkeypatch.setattr(RiskPipeline, name, kept(name))


@pytest.fixture(scope="module")
def scores_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scores") / "s.parquet"


@pytest.fixture(scope="module")
def scored(folder: Path, model: Path, scores_file: Path) -> Result:
    """What scoring says; it writes `scores_file`."""
    return call("score", folder, "--model", model, "--out", scores_file)


@pytest.fixture(scope="module")
def told(folder: Path, model: Path) -> list[dict[str, Any]]:
    """Scores as JSON."""
    rows: list[dict[str, Any]] = json.loads(call("score", folder, "--model", model, "--json").stdout)
    return rows


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def call(*words: object) -> Result:
    # click 8.1 mixes the streams unless told not to; later releases never do
    apart = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(**apart).invoke(main, [str(word) for word in words])


def test_help_of_every_command() -> None:
    assert list(main.commands) == [
        "demo",
        "init",
        "check",
        "train",
        "backtest",
        "score",
        "explain",
        "report",
        "monitor",
    ]
    for words in ([], *([name] for name in main.commands)):
        done = call(*words, "--help")
        assert done.exit_code == 0
        assert "Usage:" in done.stdout


def test_the_page_for_the_champion(folder: Path, model: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    done = call("report", folder, "--model", model, "--champion", "acct-0001", "--out", page)
    assert done.exit_code == 0, done.output
    assert "risk" not in page.read_text("utf-8").split("</style>")[1].lower()
    done = call("report", folder, "--model", model, "--champion", "nobody", "--out", page)
    assert (done.exit_code, "--champion: not among the" in done.output) == (1, True)


def test_score_and_report(
    folder: Path, model: Path, scored: Result, scores_file: Path, told: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert scored.exit_code == 0, scored.output
    assert "matter most on" in scored.stdout
    lines = scored.stdout.strip().splitlines()
    assert lines[0] == lines[-1]
    assert re.fullmatch(r"(DONE|WARNING): \d+ accounts scored as of 1 January 2026.*", lines[0])
    scores = pd.read_parquet(scores_file)
    assert [row["account_id"] for row in told] == scores["account_id"].tolist()
    done = call("report", folder, "--model", model, "--out", tmp_path / "d.md", "--digest", "--currency", "EUR")
    assert done.exit_code == 0, done.output
    assert "Accounts expected to stay" in (tmp_path / "d.md").read_text("utf-8")
    done = call("report", folder, "--model", model, "--out", tmp_path / "u.html", "--account-url", "javascript:1")
    assert done.exit_code == 1
    assert "must be an http(s) address that holds {account_id} once" in " ".join(done.stderr.split())
    # tests/report/test_formats.py reads each form that `write_report` has; HTML and Markdown are asked for above
    again = tmp_path / "again.parquet"
    done = call("report", folder, "--model", model, "--out", tmp_path / "r.csv", "--scores", again)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "r.csv").stat().st_size > 0
    assert digest(again) == digest(scores_file)  # one run gives both files


@pytest.mark.usefixtures("scored")
def test_a_backfill_gives_the_bytes_of_single_runs(
    folder: Path, model: Path, scores_file: Path, tmp_path: Path
) -> None:
    single = {"2025-12-01": tmp_path / "one.parquet", "2026-01-01": scores_file}
    done = call("score", folder, "--model", model, "--as-of", "2025-12-01", "--out", single["2025-12-01"])
    assert done.exit_code == 0, done.output
    many = ("score", folder, "--model", model, "--since", "2025-11-15", "--out", tmp_path / "many-{as_of}.parquet")
    done = call(*many, "--json")
    assert done.exit_code == 0, done.output
    assert [book["as_of"] for book in json.loads(done.stdout)["books"]] == list(single)
    for date, file in single.items():
        assert digest(file) == digest(tmp_path / f"many-{date}.parquet")


def test_a_backfill_that_cannot_be_is_refused_before_it_begins(folder: Path, model: Path, tmp_path: Path) -> None:
    score = ("score", folder, "--model", model, "--since", "2025-10-15")
    for words, said in (
        (("--out", tmp_path / "s.parquet"), "put {as_of} into its name"),
        (("--out", tmp_path / "{as_of}.parquet", "--every", "often"), "write it as 1MS, 7D or 1QS"),
        (("--out", tmp_path / "{as_of}.parquet", "--as-of", "2025-10-20"), "no date lies between"),
    ):
        done = call(*score, *words)
        assert (done.exit_code, said in " ".join(done.stderr.split())) == (1, True), done.output
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("worked_out_once")
def test_check_says_its_codes(folder: Path) -> None:
    done = call("check", folder, "--config", folder / "c.toml", "--json")
    checks = json.loads(done.stdout)
    assert done.exit_code == (3 if any(check["status"] == "failed" for check in checks) else 0)
    assert {check["code"][:3] for check in checks} == {"CSR"}


@pytest.mark.usefixtures("worked_out_once")
def test_checks_stand_between_two_verdicts_failures_first(folder: Path) -> None:
    done = call("check", folder, "--config", folder / "c.toml")
    first, *lines, last = done.stdout.strip().splitlines()
    assert first == last
    assert first.startswith("FAILED: " if done.exit_code else "PASSED: none of")
    assert lines[-1].endswith("checks passed; -v lists them")
    assert "fit_predict=" not in done.stdout  # an argument of Python is no advice here
    lines = call("check", folder, "--config", folder / "c.toml", "-v").stdout.strip().splitlines()[1:-1]
    assert "CSR001" in " ".join(lines)
    assert not any("lists them" in line for line in lines)
    marks = [line[:4] for line in lines]
    assert marks == sorted(marks, key=["FAIL", "n/a ", "ok  "].index)
    assert "\x1b" not in done.stdout


def test_a_failed_check_is_exit_code_3(small_saas: SaasBook, folder: Path, tmp_path: Path) -> None:
    """An attribute that is written after the end of a contract tells the future."""
    tables = {name: small_saas.tables[name] for name in ("accounts", "subscriptions", "usage")}
    ended = tables["subscriptions"].groupby("account_id")["end_at"].apply(lambda ends: ends.notna().all())
    accounts = tables["accounts"].copy()
    accounts["state"] = accounts["account_id"].map(ended).map({True: "former", False: "customer"})
    tables["accounts"] = accounts
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet", index=False)
    done = call("check", tmp_path, "--config", folder / "c.toml")
    assert done.exit_code == 3
    assert "account_state" in done.output


ERRORS = [
    (["train", "{empty}", "--model", "{empty}/m.csrisk"], 1, "(?s)error: .*folder '.*' holds no table"),
    (["train", "{folder}", "--config", "{empty}/bad.toml", "--model", "m"], 1, "error: .*did you mean 'horizon'"),
    (["train", "{folder}", "--model", "{empty}/no/m.csrisk"], 1, "error: .*No such file"),
    (["score", "{folder}", "--model", "{empty}/bad.toml"], 1, "error: model file 'bad.toml' is damaged or foreign"),
    (["score", "{folder}", "--model", "{model}", "--as-of", "1999-01-01"], 1, "error: .*1999"),
    (["score", "{folder}", "--model", "{model}", "--sha256", "00"], 1, "error: .*sha256 is .* expected 00"),
    (["score", "{folder}", "--model", "{model}", "--out", "{empty}/s.xlsx"], 1, "suffix='.xlsx' must be one of"),
    (["report", "{folder}", "--model", "{model}", "--out", "{empty}/r.pdf"], 1, "suffix='.pdf' must be one of"),
    (["score", "{folder}", "--model", "{model}", "--as-of", "soon"], 2, "'soon' is not a date; write it as 2025-07-01"),
    (["score", "{folder}"], 2, "Missing option '--model'"),
    (["score", "{empty}/absent", "--model", "{model}"], 1, "(?s)error: .*'absent' does not exist"),
    (["score", "{folder}", "--model", "{empty}/absent"], 1, "error: model file 'absent': No such file or directory"),
    (["score", "{folder}", "--model", "{folder}"], 1, "error: model file .*: Is a directory"),
    (["train", "{folder}", "--config", "{empty}/absent.toml", "--model", "m"], 1, "error: configuration 'absent.toml'"),
    (["train", "{folder}", "--config", "{folder}/usage.parquet", "--model", "m"], 1, "error: .*it is not UTF-8 text"),
    (["train", "{folder}", "--model", "{empty}"], 1, "error: .*: Is a directory; name a file in it"),
    (
        ["report", "{folder}", "--model", "{model}", "--out", "{empty}/r.csv", "--scores", "{empty}/./r.csv"],
        1,
        "error: --scores 'r.csv': --out writes this file; give each a file of its own",
    ),
    (
        ["monitor", "{folder}", "--model", "{model}", "--report", "{empty}/m.csv", "--out", "{empty}/m.csv"],
        1,
        "error: --out 'm.csv': --report writes this file; give each a file of its own",
    ),
    (["score", "{folder}", "--model", "{model}", "--as-of", "2999-01-01"], 1, "error: .*2999"),
    (["monitor", "{folder}", "--model", "{model}", "--history", "{empty}/no"], 1, "error: history 'no': No such file"),
    (["train", "{folder}", "--model", "m", "--set", "test.n_bootstrap=100000000"], 1, "at least 20 and at most 10,000"),
    (["train", "{folder}", "--model", "m", "--set", "modle.x=1"], 1, "unknown key 'modle'; did you mean 'model'"),
    (["score", "", "--model", "{model}"], 1, "error: source: empty or with characters"),
    (["score", "a\x00b", "--model", "{model}"], 1, "error: source: empty or with characters"),
    (["trian"], 2, "No such command 'trian'"),
    (["score", "{folder}", "--model", "{model}", "--set", "horizon"], 2, "no override; write it as snapshots.horizon"),
    (["score", "{folder}", "--model", "{model}", "--set", "snapshots.horizon=9D"], 1, "the model was trained with it"),
    (["train", "{folder}", "--model", "{empty}/m", "--set", "snapshots.horzon=9D"], 1, "did you mean 'horizon'"),
    (["train", "{folder}", "--model", "{empty}/m", "--set", "label.kind.x=9"], 1, "'kind' is a value, not a section"),
    (["explain", "{folder}", "--model", "{model}", "--account", "nobody"], 1, "not among the 6[0-9] accounts"),
    (["monitor", "{folder}", "--model", "{model}", "--history", "{empty}/bad.toml"], 1, "not a readable Parquet file"),
    (["score", "{empty}/bad.duckdb", "--model", "{model}"], 1, "DuckDB file 'bad.duckdb' cannot be opened"),
    (["score", "nosuch://host/name", "--model", "{model}"], 1, "an address of no known kind"),
]


@pytest.mark.promise("An error of the command line is one message with an exit code")
@pytest.mark.parametrize(("words", "code", "message"), ERRORS)
def test_errors_are_one_message(
    words: list[str], code: int, message: str, folder: Path, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.toml").write_text("[snapshots]\nhorzon = 3\n", encoding="utf-8")
    (tmp_path / "bad.duckdb").write_bytes(bytes(8) + b"DUCK and no database")
    done = call(*(word.format(empty=tmp_path, folder=folder, model=model) for word in words))
    assert done.exit_code == code, done.output
    assert re.search(message, done.stderr)
    assert "Traceback" not in done.output
    assert sum(line.startswith("error: ") for line in done.stderr.splitlines()) == (code == 1)


def test_an_unforeseen_error_is_one_line_without_what_it_says(
    folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("Acme Ltd")

    monkeypatch.setattr("csrisk.RiskPipeline.score", broken)
    done = call("score", folder, "--model", model)
    last = done.stderr.splitlines()[-1]
    assert done.exit_code == 1
    assert last.startswith("error: KeyError at ")
    assert "Please report it" in last
    assert "Acme" not in done.output
    shown = call("score", folder, "--model", model, "--debug")
    assert "Traceback" in shown.stderr
    assert "Acme Ltd" in shown.stderr
    monkeypatch.setenv("CSRISK_DEBUG", "1")
    assert "Traceback" in call("score", folder, "--model", model).stderr


def test_what_an_estimator_refuses_is_said_in_its_words(small_saas: SaasBook, tmp_path: Path) -> None:
    """Accounts alone, of whom none ever ended within a window: one class, which no model can learn."""
    accounts = small_saas.tables["accounts"].assign(ended_at=pd.NaT)
    accounts.to_parquet(tmp_path / "accounts.parquet", index=False)
    done = call("train", tmp_path, "--model", tmp_path / "m.csrisk", "--end", "2026-01-01")
    assert done.exit_code == 1
    assert "nobody foresaw" not in done.stderr
    assert sum(line.startswith("error: ") for line in done.stderr.splitlines()) == 1


def test_every_line_of_a_json_log_is_json(folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # as a library leaves it that reads a configuration of logging of its own
    monkeypatch.setattr(logging.getLogger("csrisk"), "disabled", True)
    done = call("score", folder, "--model", model, "--set", "monitor.max_age=1", "--end", "2026-01-05",
                "--log-format", "json")  # fmt: skip
    assert done.exit_code == 0  # a failed check of scoring is a warning, if nobody asks for --strict
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {"time", "seconds", "level", "message"} <= set(lines[0])
    scored = next(line for line in lines if line["message"].startswith("scored "))
    assert {"accounts", "model_id", "data_hash", "as_of"} <= set(scored)
    assert any(line["level"] == "warning" and "CSM006" in line["message"] for line in lines)
    failed = call("score", folder, "--model", model, "--as-of", "1999-01-01", "--log-format", "json")
    assert json.loads(failed.stderr.splitlines()[-1])["level"] == "error"
    assert failed.exit_code == 1


def test_a_typed_secret_is_masked_in_a_json_log_however_json_writes_it() -> None:
    typed = 'postgresql://me:p"w\u00e4x@host/db'
    line = Session(log_format="json", typed=(typed,)).line("ERROR", f"cannot open {typed}", {"source": typed})
    assert "host/db" not in line
    assert json.loads(line)["message"].startswith("cannot open ")


def test_strict_is_exit_code_3_and_writes_all_the_same(folder: Path, model: Path, tmp_path: Path) -> None:
    words = ["--model", model, "--set", "monitor.max_age=1", "--end", "2026-01-05"]
    for command, name in (("score", "s.csv"), ("report", "r.md")):
        done = call(command, folder, *words, "--out", tmp_path / name, "--strict")
        assert done.exit_code == 3, done.output
        assert "warning: differs from training: CSM006 Age of the model: failed (4 days" in done.stderr
        assert (tmp_path / name).stat().st_size > 0
    assert "CSM006" in (tmp_path / "r.md").read_text(encoding="utf-8")


def test_help_says_whole_sentences() -> None:
    shown = " ".join(call("--help").stdout.split())
    for command in main.commands.values():
        assert " ".join((command.help or "").split("\n\n")[0].split()).rstrip(".") in shown
    assert "..." not in shown.replace("[ARGS]...", "").replace(
        "(usage, contacts, surveys, subscriptions, accounts, ...)", ""
    )


def test_quiet_in_a_pipe_and_steps_on_a_terminal(folder: Path, model: Path, tmp_path: Path) -> None:
    words = ["score", folder, "--model", model, "--out", tmp_path / "s.csv"]
    piped = call(*words)
    assert "…" not in piped.output
    assert "matter most" in piped.stdout
    assert re.search(r"INFO \d+\.\ds read [\d,]+ rows of 5 tables rows=.*'usage': \d+", piped.stderr)
    assert re.search(
        r"scored \d+ accounts as_of=2026-01-01 accounts=\d+ model_id=[0-9a-f]{16} data_hash=", piped.stderr
    )
    assert "INFO" not in call(*words, "--log-format", "none").stderr
    # a terminal needs a process of its own; planning is the shortest that reads the tables
    screen, terminal = pty.openpty()
    words = [sys.executable, "-m", "csrisk", *map(str, words), "--dry-run"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=terminal, check=True)
    os.close(terminal)
    shown = os.read(screen, 65536).decode()
    assert re.search(r"… reading 5 tables \(\d+\.\d s\)", shown)
    assert b"accounts to score" in done.stdout


def test_every_command_can_be_tried_dry(folder: Path, model: Path, tmp_path: Path) -> None:
    config, out = folder / "c.toml", tmp_path / "out"
    out.mkdir()
    for words in (["train", "--config", config, "--model", out / "m.csrisk"], ["check"], ["backtest"]):
        told = json.loads(call(words[0], folder, *words[1:], "--dry-run", "--json").stdout)
        assert told["snapshots"] >= told["accounts"] > told["churned"] > 0
    for words in (["score", "--out", out / "s.csv"], ["explain"], ["monitor"], ["report", "--out", out / "r.html"]):
        done = call(words[0], folder, "--model", model, *words[1:], "--dry-run")
        assert done.exit_code == 0, done.output
        assert "accounts to score: 67" in done.stdout
        assert "nothing was written" in done.stdout
    assert list(out.iterdir()) == []


def test_a_dry_run_refuses_what_the_run_refuses(folder: Path, model: Path, tmp_path: Path) -> None:
    for path in folder.glob("*.parquet"):
        if path.stem != "contacts":
            (tmp_path / path.name).symlink_to(path)
    for more in ([], ["--dry-run"]):
        done = call("score", tmp_path, "--model", model, *more)
        assert done.exit_code == 1
        assert "tables ['contacts'] had rows when the model was trained" in done.stderr


def test_overrides_go_over_the_configuration(folder: Path) -> None:
    words = ["check", folder, "--config", folder / "c.toml", "--dry-run", "--json"]
    plain, short = (
        json.loads(call(*words, *more).stdout)
        for more in ([], ["--set", "snapshots.horizon=30D", "--set", "label.grace=0"])
    )
    assert short["snapshots"] > plain["snapshots"]
    assert short["first and last snapshot"][-10:] > plain["first and last snapshot"][-10:]


def test_explain_adds_up(folder: Path, model: Path, told: list[dict[str, Any]], tmp_path: Path) -> None:
    first = told[0]["account_id"]
    why = json.loads(call("explain", folder, "--model", model, "--account", first, "--json").stdout)
    goals = dict(why["goals"])
    prediction = goals.pop("prediction")
    assert sum(goals.values()) == pytest.approx(prediction, abs=1e-9)
    assert prediction == pytest.approx(100 * told[0]["churn_probability"], abs=1e-6)
    assert sum(row["points"] for row in why["features"]) == pytest.approx(prediction - goals["reference"], abs=1e-6)
    spoken = call("explain", folder, "--model", model, "--account", first, "--out", tmp_path / "why.json").stdout
    assert f"{first}: {prediction:.1f}\u00a0% risk" in spoken
    assert len(json.loads((tmp_path / "why.json").read_text(encoding="utf-8"))["snapshots"]) == len(told)
    assert "Percentage points, compared with" in call("explain", folder, "--model", model, "--top", 3).stdout


@pytest.mark.usefixtures("worked_out_once")
def test_backtest_writes_its_scores(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "b.parquet"
    words = ["backtest", folder, "--config", folder / "c.toml", "--trainings", 2, "--out", out]
    done = call(*words, "--json")
    assert done.exit_code == 0, done.output
    tables = json.loads(done.stdout)
    lines = call(*words).stdout.strip().splitlines()
    assert lines[0] == lines[-1]
    assert lines[0].startswith("DONE: 2 trainings, AUC ")
    assert max(map(len, lines)) <= 80, "\n".join(lines)
    assert len({row["trained_at"] for row in tables["by date of training"]}) == 2
    assert {"trained_at", "account_id", "as_of", "outcome", "model"} <= set(pd.read_parquet(out).columns)


def test_monitor_alarms_with_exit_code_3(folder: Path, model: Path, tmp_path: Path) -> None:
    calm = call("monitor", folder, "--model", model, "--json", "--out", tmp_path / "d.csv")
    told = json.loads(calm.stdout)
    assert calm.exit_code == (3 if told["failed"] else 0)
    assert [row["code"] for row in told["checks"]] == [f"CSM{n:03}" for n in range(1, 14)]
    assert {"goal", "distance", "drifts"} <= set(pd.read_csv(tmp_path / "d.csv").columns)
    aged = call("monitor", folder, "--model", model, "--set", "monitor.max_age=1", "--end", "2026-01-05",
                "--report", tmp_path / "r.md")  # fmt: skip
    assert aged.exit_code == 3, aged.output
    first, *lines, last = aged.stdout.strip().splitlines()
    assert first == last
    assert lines[0].startswith("FAIL  ")
    assert "CSM006 Age of the model: failed (4 days" in aged.stdout
    assert all(len(line) <= 80 for line in lines if line[:4] not in ("n/a ", "ok  ", "FAIL"))
    assert "CSM006" in (tmp_path / "r.md").read_text(encoding="utf-8")


def test_monitor_hands_its_history_to_its_report(
    folder: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores that were kept tell the past of the page too, not only the calibration."""
    told: dict[str, object] = {}
    monkeypatch.setattr("csrisk.RiskPipeline.monitor", lambda *_, **given: _Calm(given["history"]))
    monkeypatch.setattr("csrisk.RiskPipeline.report", lambda *_, **given: told.update(given))
    monkeypatch.setattr("csrisk.RiskPipeline.explain", lambda *_: None)
    done = call("monitor", folder, "--model", model, "--history", folder, "--report", tmp_path / "r.md", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"history": str(folder)})
    assert told["past"].history == folder  # type: ignore[attr-defined]


class _Calm:
    """A monitoring that found nothing."""

    failed = ()

    def __init__(self, history: Path) -> None:
        self.history = history

    def to_dict(self) -> dict[str, str]:
        return {"history": str(self.history)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_no_file_behind(number: int, folder: Path, tmp_path: Path) -> None:
    """The process stands in the middle of writing a configuration, as every file is written, when the signal comes."""
    code = (
        "import signal, sys, time; from csrisk import _atomic; from csrisk.cli import main\n"
        # whoever runs the tests in the background may have handed down that SIGINT is ignored
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "real = _atomic._flush\n"
        "def slow(path):\n"
        "    print('writing', file=sys.stderr, flush=True); time.sleep(60); real(path)\n"
        "_atomic._flush = slow\n"
        "main(sys.argv[1:])"
    )
    words = ["init", str(folder), "--yes", "--out", str(tmp_path / "c.toml")]
    process = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    seen = ""
    while "writing" not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    process.send_signal(number)
    assert process.wait(timeout=60) == 128 + number
    assert "no file was left half-written" in process.stderr.read()
    assert list(tmp_path.iterdir()) == []
