"""The code of a notebook: its cells, their statements, its training loop."""
