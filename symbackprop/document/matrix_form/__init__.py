"""Equations and gradients between arrays, and for any layer."""
