"""A table with a column of every kind, and a model server of one's own."""
