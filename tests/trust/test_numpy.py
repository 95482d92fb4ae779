"""What newer releases of NumPy deprecate is not written: times without a unit, arrays reshaped in place."""

from __future__ import annotations

import re
from pathlib import Path

import csrisk

DEPRECATED = {
    "a span of time without a unit": r"timedelta64\(\s*-?[\w.]+\s*\)",
    "a missing time without a unit": r"(date|time)(time|delta)64\(\s*[\"']NaT[\"']\s*\)",
    "an array reshaped in place": r"^\s*[\w.]+\.(shape|strides)\s*=(?!=)|(?<!np)\.resize\(",
    "a function that goes": r"\bnp\.(fix|trapz|in1d|row_stack|char\.chararray|round_|product|sometrue|alltrue)\b",
}


def test_nothing_that_numpy_deprecates_is_written() -> None:
    found = [
        f"{path.name}:{number}: {what}"
        for path in sorted(Path(csrisk.__file__).parent.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for what, pattern in DEPRECATED.items()
        if re.search(pattern, line)
    ]
    assert found == []


def test_the_patterns_see_what_they_are_for() -> None:
    bad = ["np.timedelta64(0)", 'np.datetime64("NaT")', "x.shape = (2, 3)", "np.fix(x)"]
    assert all(re.search(pattern, line) for pattern, line in zip(DEPRECATED.values(), bad, strict=True))
    assert not any(re.search(p, 'np.timedelta64(1, "D") if x.shape == (2,) else 0') for p in DEPRECATED.values())
