"""Assignments: what is asked, with numbers of each student's own that are worth computing and hide no mistake."""
