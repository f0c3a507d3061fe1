"""The sections of a worked solution: statement, passes, updates, and what goes beyond them."""
