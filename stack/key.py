"""The key that signs tokens: made once for each state folder, and known to nobody else."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

KEY_BYTES = 32
# the variable by which the API is told of the file
VARIABLE = "TOKEN_SIGNING_KEY_FILE"


def signing_key(folder: Path) -> Path:
    """The file of the key in the state folder, which is made if it is not there; only its owner may read it."""
    key = folder / "token-signing.key"
    if not key.exists():
        folder.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(prefix=key.name, dir=folder)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES))
        # two that make it at once agree on the first, and none reads half of it
        with contextlib.suppress(FileExistsError):
            key.hardlink_to(made)
        Path(made).unlink()
    return key
