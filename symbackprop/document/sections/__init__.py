"""The sections of a worked solution."""
