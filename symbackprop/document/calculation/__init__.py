"""A calculation line by line, each of which checks."""
