"""Rows by name: losses, optimizers, schedules, initializers."""
