"""`python -m api.feedback`: evaluate, sample, retrain, versions, rollback."""

from api.feedback.cli import app

if __name__ == "__main__":
    app()(prog_name="python -m api.feedback")
