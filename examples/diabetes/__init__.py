"""A number predicted for each row: how far diabetes has progressed a year later."""
