from importlib import resources

from sqlalchemy import TextClause, text


def statement(name: str, package: str = "api.tasks") -> TextClause:
    """The statement in the package's `sql/<name>.sql`, to be run with parameters."""
    return text((resources.files(package) / "sql" / f"{name}.sql").read_text(encoding="utf-8"))
