"""Classes as numbers: one share for two classes, one share each for more, one for every label where samples have several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

Array = np.ndarray[Any, np.dtype[Any]]

MULTILABEL = "multilabel-indicator"
_EVEN = 0.5
"""Above which share a sample is of the second of two classes, or has a label."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Classes in their order, and the `kind` of targets: binary (two of them, or one), multiclass, several labels.

    `is_sparse` says that labels came as a sparse matrix, and are predicted as one.
    """

    classes: Array
    kind: str
    is_sparse: bool = False

    @classmethod
    def of(cls, y: Any) -> Self:
        """Return those of targets, (samples,) or an indicator matrix (samples, labels).

        Raises `ValueError` for targets that are neither.
        """
        check_classification_targets(y)
        kind = type_of_target(y)
        if kind == MULTILABEL:
            return cls(unique_labels(y), kind, sparse.issparse(y))
        if kind not in ("binary", "multiclass"):
            raise ValueError(
                f"targets of the kind {kind!r} are not supported: expected classes, or an indicator matrix"
            )
        classes = unique_labels(y)
        return cls(classes, "multiclass" if len(classes) > 2 else "binary")

    @property
    def outputs(self) -> int:
        """How many outputs tell the classes apart."""
        return 1 if self.kind == "binary" else len(self.classes)

    def encoded(self, y: Any, dtype: Any) -> Array:
        """Return targets as numbers, (samples, outputs); raises `ValueError` for another kind or other classes."""
        if self.kind == MULTILABEL:
            found = np.asarray(y.toarray() if sparse.issparse(y) else y)
            if found.ndim != 2 or found.shape[1] != len(self.classes) or type_of_target(found) != MULTILABEL:
                raise ValueError(f"expected an indicator matrix with {len(self.classes)} columns of 0 and 1")
            return np.ascontiguousarray(found, dtype)
        if np.ndim(y) != 1:
            raise ValueError("expected one class for each sample, found several columns of targets")
        places = np.searchsorted(self.classes, y).clip(max=len(self.classes) - 1)
        if not np.array_equal(self.classes[places], y):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes}. 'y' has {np.unique(y)}."
            )
        rows: Array = np.eye(len(self.classes), dtype=dtype)[places]
        return rows if self.kind == "multiclass" else places.astype(dtype).reshape(-1, 1)

    def decoded(self, outputs: Array) -> Any:
        """Return the most probable class of each sample, (samples,), or the indicator matrix of its labels."""
        if self.kind == "multiclass":
            return self.classes[outputs.argmax(axis=1)]
        chosen = (outputs > _EVEN).astype(int)
        if self.kind == MULTILABEL:
            return sparse.csr_matrix(chosen) if self.is_sparse else chosen
        return self.classes[np.minimum(chosen[:, 0], len(self.classes) - 1)]
