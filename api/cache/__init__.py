"""Answers kept in memory, by the model's version and the input: read through, written off the request's path."""
