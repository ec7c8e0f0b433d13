from importlib import resources

from sqlalchemy import TextClause, text


def statement(name: str) -> TextClause:
    """The statement in `api/tasks/sql/<name>.sql`, to be run with parameters."""
    return text((resources.files("api.tasks") / "sql" / f"{name}.sql").read_text(encoding="utf-8"))
