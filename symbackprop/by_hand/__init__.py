"""What people compute by hand: every number on the way as an equation, its names, how it is typed, what roundings do."""
