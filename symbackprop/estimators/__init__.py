"""Estimators for scikit-learn: networks that are trained here and can show what was trained.

They are imported from here: `from symbackprop.estimators import SymbolicMLPClassifier`. They need scikit-learn
(`symbackprop[sklearn]`).
"""

from __future__ import annotations

import importlib.util

from symbackprop.errors import MissingLibraryError
from symbackprop.messages import message

if importlib.util.find_spec("sklearn") is None:
    raise MissingLibraryError(message("estimator.not_installed"))

from symbackprop.estimators.perceptrons import SymbolicMLPClassifier, SymbolicMLPRegressor

__all__ = ["SymbolicMLPClassifier", "SymbolicMLPRegressor"]
