"""Numbers: exact, of 50 digits, as floats, and many at once."""
