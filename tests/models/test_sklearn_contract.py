from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from csrisk.models import AmountModel, ChurnModel, ExpansionModel

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@parametrize_with_checks([ChurnModel(), ExpansionModel(), AmountModel()])
def test_estimators_keep_the_contract_of_scikit_learn(estimator, check):
    check(estimator)
