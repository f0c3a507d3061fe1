"""Homework: fair variants of a problem, sheets and keys, marking that follows the student."""
