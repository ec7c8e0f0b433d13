"""Writes rows to the source database at a set pace: the traffic that the rest of the system lives on."""
