"""The servers' artifacts as a software bill of materials.

Source: CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/; package URLs of the type maven.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stack.artifacts import Artifact


def bill(artifacts: Iterable[Artifact]) -> str:
    """All artifacts with package URL and hash, as JSON of CycloneDX 1.6; the same for the same artifacts."""
    content = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "stream-serving-servers", "bom-ref": "servers"}},
        "components": [_component(artifact) for artifact in artifacts],
    }
    return json.dumps(content, indent=2) + "\n"


def _component(artifact: Artifact) -> dict[str, Any]:
    group, name, version, packaging, *classifier = artifact.coordinate.split(":")
    qualifiers = {"classifier": classifier[0] if classifier else "", "type": "" if packaging == "jar" else packaging}
    query = "&".join(f"{key}={quote(value)}" for key, value in qualifiers.items() if value)
    url = f"pkg:maven/{quote(group)}/{quote(name)}@{quote(version)}{'?' if query else ''}{query}"
    return {
        "type": "library" if packaging == "jar" else "application",
        "bom-ref": f"{artifact.group} {url}",
        "group": group,
        "name": name,
        "version": version,
        "purl": url,
        "hashes": [{"alg": "SHA-256", "content": artifact.sha256}],
    }
