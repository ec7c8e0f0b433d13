from subscriber.cli import app

app(prog_name="python -m subscriber")
