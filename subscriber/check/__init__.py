"""Compares a pipeline with the world: Kafka and its rows, the model server, the target database.

`findings` is what is told; `rows`, `model` and `target` each look at one side; `examination` goes through them.
"""
