"""What the subscriber is measured beside: `python -m benchmarks.contenders.NAME`, each until SIGTERM.

Each reads the rows of one topic, has them predicted and stores the predictions, with what `contract` reads from the
environment, and is written as the documentation of its library recommends.
"""
