"""The commands: one module for each, named as it is, whose `command` is what click runs."""
