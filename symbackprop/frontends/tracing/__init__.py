"""Problems from plain Python functions: a function runs once on arrays that record what is done with them."""

from symbackprop.frontends.tracing.traced_problem import trace

__all__ = ["trace"]
