"""Handouts: sheets, keys and forms of each student, and the teacher's folder that remembers them."""
