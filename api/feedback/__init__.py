"""What production showed, judged and learnt from: `python -m api.feedback` evaluates, samples, retrains, rolls back."""
