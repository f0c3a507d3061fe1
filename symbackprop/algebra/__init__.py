"""Formulas as trees: texts read, shapes found, derivatives taken, SymPy at hand."""
