"""The metrics and labels that a PromQL expression names: enough of the language for the expressions of this project."""

from __future__ import annotations

import re

KEYWORDS = {
    *("by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "or", "and", "unless"),
    *("sum", "min", "max", "avg", "count", "le"),
}
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"\b([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?(?![\w(:]|\s*\()")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


def metrics(expr: str) -> dict[str, set[str]]:
    """The labels asked for of each metric; those grouped by are asked of all."""
    groups = {label.strip() for found in GROUPING.findall(expr) for label in found.split(",")} - {""}
    rest = re.sub(r"\[[^]]*\]", "", GROUPING.sub(" ", expr))
    # what is in quotes is a value
    rest = re.sub(r'"[^"]*"', '""', rest)
    found: dict[str, set[str]] = {}
    for name, labels in SELECTOR.findall(re.sub(r"\boffset\s+\w+", "", rest)):
        if name not in KEYWORDS:
            found.setdefault(name, set()).update(groups, LABEL.findall(labels))
    return found
