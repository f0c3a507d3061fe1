"""Mistakes by name: each is a change of the derivation, which is computed like any other, and found again in numbers."""
