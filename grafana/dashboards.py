"""Writes the dashboards: `python -m grafana.dashboards`, after a change of what they are built from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana import credit, health, images, iris

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import Dashboard

FOLDER: Final = Path(__file__).parent / "dashboards"


def rendered() -> dict[str, str]:
    """The text of each dashboard's file, by the file's name."""
    return {f"{module.UID}.json": text(module.build()) for module in (iris, health, credit, images)}


def text(dashboard: Dashboard) -> str:
    return json.dumps(dashboard.build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in rendered().items():
        (FOLDER / name).write_text(content)
