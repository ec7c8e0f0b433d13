"""One page that shows what the pipelines of this process do, with metrics and health beside it."""
