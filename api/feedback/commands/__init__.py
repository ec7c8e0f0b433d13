"""Each verb of `python -m api.feedback`."""

from api.feedback.commands.evaluate import evaluate
from api.feedback.commands.retrain import retrain
from api.feedback.commands.rollback import rollback
from api.feedback.commands.sample import sample
from api.feedback.commands.versions import versions

__all__ = ["evaluate", "retrain", "rollback", "sample", "versions"]
