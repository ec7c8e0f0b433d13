"""A connector's definition: a JSON file whose placeholders, `${NAME}` or `${NAME:-default}`, the environment fills."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from connectors.errors import DefinitionError

# Capitals only: `${topic}`, `${file:…}` and the like belong to Kafka Connect and stay as they are.
PLACEHOLDER = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::-([^{}]*))?\}")


@dataclass(frozen=True)
class Definition:
    """What Kafka Connect is to run. Holds passwords, so its values are kept out of its representation."""

    name: str
    config: Mapping[str, str] = field(repr=False)

    @property
    def plugin(self) -> str:
        """The connector's class."""
        return self.config["connector.class"]

    def with_config(self, **changes: str) -> "Definition":
        """The same definition, but for these settings."""
        return Definition(self.name, {**self.config, **changes})


def read(file: str, environment: Mapping[str, str]) -> Definition:
    """The definition in `connectors/<file>`, filled.

    Raises:
        DefinitionError: it is not a definition, or a placeholder's variable is not set.
    """
    return parse(file, (resources.files("connectors") / file).read_text(encoding="utf-8"), environment)


def parse(file: str, text: str, environment: Mapping[str, str]) -> Definition:
    """The definition in `text`; errors name `file`, as `read` tells them."""
    try:
        content: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise DefinitionError(f"connectors/{file} is not JSON: {error}") from error
    match content:
        case {"name": str(name), "config": {"connector.class": str(), **rest} as config} if all(
            isinstance(value, str) for value in rest.values()
        ):
            return Definition(name, {key: fill(file, value, environment) for key, value in config.items()})
    raise DefinitionError(
        f'connectors/{file} must be {{"name": …, "config": {{"connector.class": …, …}}}} with every value in quotes'
    )


def fill(file: str, value: str, environment: Mapping[str, str]) -> str:
    """`value` with each placeholder replaced by its variable; what is put in is not searched again.

    Raises:
        DefinitionError: a variable is not set, or empty, and has no default; the message names it and the file.
    """

    def variable(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if not environment.get(name):
            if default is not None:
                return default
            raise DefinitionError(
                f"connectors/{file} asks for {match[0]}, but {name} is not set in the environment "
                f"(`make stack` prints the values)"
            )
        return environment[name]

    return PLACEHOLDER.sub(variable, value)
