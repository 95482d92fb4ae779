"""Pictures of customer success draw the tables they are made of."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

import csrisk as cr
from csrisk.report._content import Column, Interval, Table
from csrisk.report._success._svg import journey_rows, share_dot
from csrisk.success import company_happiness, happiness, journey, plot_journey, plot_quadrant, success_quadrant


def test_quadrant_draws_every_known_account(small_book: cr.CustomerData) -> None:
    table = success_quadrant(happiness(small_book), company_happiness(small_book))
    ax = plot_quadrant(table)
    drawn = np.concatenate([points.get_offsets() for points in ax.collections[:4]])
    known = table[table["quadrant"].notna() & (table["measure"] == "profit")]
    np.testing.assert_allclose(np.sort(drawn[:, 0]), np.sort(known["position"]))
    np.testing.assert_allclose(np.sort(drawn[:, 1]), np.sort(known["value"]))
    assert len(ax.collections[4].get_offsets()) == known["business_risk"].sum()


def test_journey_draws_its_table(small_book: cr.CustomerData) -> None:
    table = journey(small_book)
    effort, sentiment, volume = plot_journey(table)
    np.testing.assert_allclose(effort.collections[1].get_offsets()[:, 0], table["hard_share"][::-1])
    told = np.ma.getdata(sentiment.collections[1].get_offsets())[:, 0]
    np.testing.assert_allclose(told, table["sentiment"][::-1])
    ends = [bar.get_x() + bar.get_width() for bar in volume.patches[len(table) :]]
    np.testing.assert_allclose(ends, table["contacts"][::-1])
    assert [label.get_text() for label in effort.get_yticklabels()][-1] == table.index[0]


def test_nothing_known_draws_an_empty_picture() -> None:
    happy = pd.DataFrame({"position": [np.nan], "low": [np.nan], "high": [np.nan]})
    company = pd.DataFrame({"value": [np.nan], "low": [np.nan], "high": [np.nan], "measure": ["unknown"]})
    assert plot_quadrant(success_quadrant(happy, company)).get_title() == "0 accounts; 1 not comparable or unknown"
    usage = pd.DataFrame({"account_id": ["a", "b"], "at": pd.to_datetime(["2025-06-01", "2025-06-02"])})
    nothing = journey(cr.CustomerData({"usage": usage}, end="2025-07-01"))
    assert len(plot_journey(nothing)[0].collections[1].get_offsets()) == 0


def test_picture_of_the_journey_in_the_report_draws_its_table() -> None:
    columns = tuple(Column(name) for name in "abcdefgh")
    rows = (
        ("support", 200, Interval(0.5, 0.4, 0.6), 190, 20.0, 0.25, Interval(0.7, None, None), 1),
        ("learn", 50, None, 0, None, None, None, 0),
    )
    support, learn = journey_rows(Table("The journey", columns, rows))
    assert [support[0], learn[0]] == ["support", "learn"]
    assert "Hard: 0.50 of 190 resolved" in support[1]
    assert "cx=50.0%" in support[1]
    assert "no evidence" in learn[1]
    assert "circle" not in learn[1]
    assert "200 contacts, 25\u00a0% begun by us" in support[3]
    assert [float(x) for x in re.findall(r"width=([\d.]+)%", support[3] + learn[3])] == [100.0, 25.0, 25.0, 0.0]


def test_picture_of_a_share_stands_on_the_line_from_0_to_100() -> None:
    drawn = share_dot(Interval(50.0, 23.5, 76.5), "Answered, %")
    assert "<title>Answered: 50\u00a0%</title>" in drawn
    assert "cx=50.0%" in drawn
    assert "x1=25.0% x2=75.0%" in drawn  # the line has 3 % to spare at both ends
