"""What comes back: who handed in which answers, in which files, and which attempt counts."""
