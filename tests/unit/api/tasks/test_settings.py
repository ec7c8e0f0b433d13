"""A key that is too short is told by the variable that it came from."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from api.tasks.settings import TaskSettings


@pytest.mark.parametrize("name", ["TOKEN_SIGNING_KEY", "TOKEN_SIGNING_KEY_FILE"])
def test_a_key_that_is_too_short_is_told_by_its_variable(name: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("short\n")
    given = SecretStr("short") if name == "TOKEN_SIGNING_KEY" else file

    with pytest.raises(ValidationError, match=f"{name} has 5 bytes"):
        TaskSettings.model_validate({"tasks_user": "tasks", name.lower(): given})
