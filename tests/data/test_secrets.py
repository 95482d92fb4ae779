"""Names, ids and free text of customers appear in no error, warning, breach or repr."""

from __future__ import annotations

import copy
import pickle
import traceback
import warnings
from typing import Any

import pandas as pd
import pytest

from csrisk import CustomerData
from csrisk.exceptions import DataContractError

pytestmark = pytest.mark.promise("No name, id or free text of a customer stands in an error, a warning or a repr")

SECRETS = ("Zweifelstein", "key4711", "whispered")


def tables(**usage: Any) -> dict[str, pd.DataFrame]:
    """Everything is wrong that can be wrong beside a secret."""
    ids = ["key4711", "key4711-b", None, "KEY4711"]
    names, times = ["Zweifelstein"] * 4, ["2025-01-01", "key4711", None, "1500-01-01"]
    return {
        "accounts": pd.DataFrame(
            {
                "account_id": ids,
                "name": names,
                "owner": names,
                "started_at": names,
            }
        ),
        "usage": pd.DataFrame({"account_id": ids, "at": times, "user_id": ids, **usage}),
        "contacts": pd.DataFrame(
            {
                "account_id": ids,
                "opened_at": ["2025-01-02"] * 4,
                "resolved_at": ["2025-01-01"] * 4,
                "contact_id": ["key4711"] * 4,
                "handler": ["Zweifelstein"] * 4,
                "transfers": ["Zweifelstein", "-1", "inf", "1"],
                "reopened": ["whispered", "yes", "no", None],
            }
        ).assign(resolved_at=["2025-01-01", "2025-01-03", "whispered", None]),
        "surveys": pd.DataFrame(
            {
                "account_id": ids,
                "sent_at": ["2025-01-01"] * 4,
                "score": ["whispered", "11", "5", "key4711"],
                "kind": ["NPS"] * 4,
                "comment": ["whispered"] * 4,
                "respondent": ["Zweifelstein"] * 4,
            }
        ),
    }


def assert_silent(*texts: str) -> None:
    for text in texts:
        for secret in SECRETS:
            assert secret.casefold() not in text.casefold()


def test_no_secret_in_warnings_breaches_or_reprs() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = CustomerData(tables())
    assert {"CSD101", "CSD109", "CSD110", "CSD202", "CSD203", "CSD204", "CSD301", "CSD306"} <= {
        b.code for b in data.breaches
    }
    assert_silent(*(str(one.message) for one in caught), *map(str, data.breaches), *map(repr, data.breaches))
    assert_silent(repr(data), data._repr_html_(), data.rejected.to_string())


def test_no_secret_in_errors_or_their_traceback(tmp_path: Any) -> None:
    wrong = tables(quantity=[["whispered"]] * 4)
    with pytest.raises(DataContractError, match="CSD011") as caught:
        CustomerData(wrong)
    assert_silent(str(caught.value), repr(caught.value.breaches))
    path = tmp_path / "usage.csv"
    path.write_bytes(b"account_id,at\nkey4711,2025-01-01\nZweifelstein\xfc,whispered,whispered\n")
    with pytest.raises(DataContractError, match="CSD006") as caught:
        CustomerData({"usage": path})
    assert_silent("".join(traceback.format_exception(caught.value)))


def test_unreadable_text_is_shown_by_its_shape() -> None:
    frame = pd.DataFrame({"account_id": ["a", "b"], "at": ["2025-01-01", "31.Jän.2024 whispered until the end"]})
    with pytest.warns(UserWarning, match=r"CSD202 .* examples=\[99.aaa.9999 aaaaaaaaa aa\]"):
        CustomerData({"usage": frame})


def test_html_is_escaped() -> None:
    usage = pd.DataFrame({"account_id": ["<script>", "b"], "at": ["2025-01-01", "2025-01-02"]})
    shown = CustomerData({"usage": usage})._repr_html_()
    assert "<script" not in shown
    assert shown.startswith("<table>")


@pytest.mark.parametrize("how", [pickle.dumps, copy.copy, copy.deepcopy])
def test_no_pickle_and_no_copy(how: Any) -> None:
    data = CustomerData({"usage": pd.DataFrame({"account_id": ["a", "b"], "at": ["2025-01-01", "2025-01-02"]})})
    with pytest.raises(TypeError, match="holds an open engine"):
        how(data)
