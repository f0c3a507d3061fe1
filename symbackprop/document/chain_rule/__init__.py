"""The chain rule, quantity by quantity: paths, factors and their signs, and how much of it is written out."""
