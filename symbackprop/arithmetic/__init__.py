"""Numbers: exact, of 50 digits, and as floats; formulas as Python that computes with floats."""
