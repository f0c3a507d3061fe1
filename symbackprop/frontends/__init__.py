"""Problems made from other people's objects."""
