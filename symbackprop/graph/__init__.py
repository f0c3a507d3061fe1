"""Quantities and equations between them, and what they are called on paper."""
