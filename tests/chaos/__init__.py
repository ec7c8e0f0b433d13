"""Faults by a seed, on the real stack under load, and the proof that no row was lost, doubled or out of order."""
