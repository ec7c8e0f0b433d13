"""The real servers as plain processes, for machines without Docker."""
