"""Marks: each answer against the key and the student's own steps, mistakes by name, copies, a teacher's corrections."""
