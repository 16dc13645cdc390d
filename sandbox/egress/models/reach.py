"""Measures how far a model's answers reach beyond what they know of all units: by as much does a model that learnt some of them by heart.

The slope of the right answers on the told ones is 1 where a model was fitted to all units: least squares leaves nothing
that a straight line through its answers could mend, and maximum likelihood nothing for the log odds (Cox 1958, calibration).
Whoever was fitted to a few units swings as far for all others, and is right of few: the slope falls towards 0.
"""

import numpy as np

from sandbox.egress.models.rows import Floats
from sandbox.egress.models.training import logistic

_RIDGE = 1e-8


def overreach(answers: Floats, target: Floats, *, binary: bool) -> float:
    """Return by how much the answers' spread exceeds the spread that they deserve; below 0 where they could reach further.

    In standard deviations of an amount, or in log odds of a yes.
    """
    spread = float(answers.std())
    if spread == 0 or target.std() == 0:
        return 0.0
    unit = (answers - answers.mean()) / spread
    if not binary:
        return spread / float(target.std()) - float(np.corrcoef(unit, target)[0, 1])
    given = np.column_stack([np.ones(len(unit)), unit])
    return spread - float(logistic(given, target, _RIDGE * np.eye(2))[1])
