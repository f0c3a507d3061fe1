"""Second order, for problems of at most 30 parameters: Jacobian, Hessian, Newton's step, critical points, rate limit.

`tangents` carries derivatives forwards and differentiates the reverse sweep, `linear_systems` solves the small ones in exact
numbers; `hessian` and `critical_points` are what is asked of them, and `newton_search` looks for what cannot be solved.
"""

from __future__ import annotations

from symbackprop.curvature.critical_points import CriticalPoint, CriticalPoints, Kind, critical_points
from symbackprop.curvature.hessian import (
    Hessian,
    Jacobian,
    NewtonStep,
    RateLimit,
    hessian,
    jacobian,
    newton_step,
    rate_limit,
)
from symbackprop.curvature.tangents import LARGEST, CurvatureError

__all__ = [
    "LARGEST",
    "CriticalPoint",
    "CriticalPoints",
    "CurvatureError",
    "Hessian",
    "Jacobian",
    "Kind",
    "NewtonStep",
    "RateLimit",
    "critical_points",
    "hessian",
    "jacobian",
    "newton_step",
    "rate_limit",
]
