from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from csrisk.success import company_happiness, happiness, journey, plot_journey, plot_quadrant, success_quadrant

if TYPE_CHECKING:
    import csrisk as cr


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
    ax = plot_journey(table)
    np.testing.assert_allclose(ax.collections[1].get_offsets()[:, 0], table["hard_share"][::-1])
    assert [label.get_text() for label in ax.get_yticklabels()][-1].startswith(f"{table.index[0]} (")


def test_nothing_known_draws_an_empty_picture() -> None:
    happy = pd.DataFrame({"position": [np.nan], "low": [np.nan], "high": [np.nan]})
    company = pd.DataFrame({"value": [np.nan], "low": [np.nan], "high": [np.nan], "measure": ["unknown"]})
    assert plot_quadrant(success_quadrant(happy, company)).get_title() == "0 accounts; 1 not comparable or unknown"
