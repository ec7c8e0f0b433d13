"""The verbs of `python -m subscriber`, one a module; `subscriber.cli` registers them."""
