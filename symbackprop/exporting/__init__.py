"""Export: pools of fair variants as files that learning systems import, with keys, tolerances and worked solutions.

A learning system is a row (`learning_systems`) with a module that writes its files. What its format cannot carry is listed,
and what it would mark wrongly is refused.
"""
