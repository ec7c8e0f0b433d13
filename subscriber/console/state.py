"""How a pipeline is, in a word and a sentence, and what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from subscriber.console.view import Second

# a stage that has had the same batch in hand for longer waits for an answer
SLOW_SECONDS: Final = 2.0
_ASKED: Final = {"predict": "the model has not answered yet", "store": "the target database has not answered yet"}


def waiting(health: dict[str, Any]) -> list[dict[str, Any]]:
    """What each stage waits for and since how many seconds, by what it reports and by how long it has been busy.

    `retrying` tells those that try again from those that still wait for an answer.
    """
    told = {w["stage"] for w in health["waiting"]}
    slow = [b for b in health["busy"] if b["seconds"] >= SLOW_SECONDS and b["stage"] not in told]
    asked = [{**b, "reason": _ASKED[b["stage"]], "retrying": False} for b in slow]
    return [{**w, "retrying": True} for w in health["waiting"]] + asked


def state(health: dict[str, Any], topic: str, recent: bool, rows: int, second: Second) -> dict[str, str]:
    """The state as `tone` (good, idle, waiting or failed), `word` and `words`.

    Args:
        health: a snapshot of the pipeline's health.
        topic: the topic's name.
        recent: whether rows were stored in the last seconds.
        rows: rows stored since the start.
        second: the second that has just ended.
    """
    tone, word, words = _halted(health) or _held(health, topic) or _flow(topic, recent, rows, second)
    return {"tone": tone, "word": word, "words": words}


def _halted(health: dict[str, Any]) -> tuple[str, str, str] | None:
    if health["state"] == "failed":
        return "failed", "Stopped", health["error"] or "it does not say why"
    if health["state"] == "stopped":
        return "failed", "Stopped", "it was told to stop"
    return None


def _held(health: dict[str, Any], topic: str) -> tuple[str, str, str] | None:
    if waiting(health):
        return "waiting", "Waiting", "the rows stay in the topic meanwhile; none is lost"
    if health["state"] == "starting":
        return "waiting", "Starting", "looking at the target database and the model"
    if not health["partitions"]:
        words = f"no partition of topic {topic} is ours yet; other subscribers of the group may have them all"
        return "waiting", "Waiting", words
    return None


def _flow(topic: str, recent: bool, rows: int, second: Second) -> tuple[str, str, str]:
    if recent or second.dead > 0:
        return "good", "Predicting", "rows are predicted as they arrive"
    if second.lag:
        return "waiting", "Reading", f"topic {topic} holds rows, but none was stored in the last seconds"
    if not rows:
        return "idle", "No rows yet", f"waiting for rows of topic {topic}"
    return "idle", "Idle", f"every row of topic {topic} is predicted"
