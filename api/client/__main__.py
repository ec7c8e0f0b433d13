"""`python -m api.client`: hand tasks to the API from a terminal or a script, and fetch their results."""

from api.client.cli import app

if __name__ == "__main__":
    app()(prog_name="python -m api.client")
