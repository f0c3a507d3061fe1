"""The lines of the chain rule, quantity by quantity."""
