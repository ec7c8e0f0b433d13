"""Worked examples: a table, a model and a pipeline file each, to copy."""
