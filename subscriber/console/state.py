"""How a pipeline is, in a word and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from subscriber.console.view import Second

# a batch of a stage that takes longer is worth a word
SLOW_SECONDS: Final = 2.0


def state(health: dict[str, Any], topic: str, recent: float, rows: int, second: Second) -> dict[str, str]:
    """The state as `tone` (good, idle, waiting or failed), `word` and `words`.

    Args:
        health: a snapshot of the pipeline's health.
        topic: the topic's name.
        recent: rows a second over the last seconds.
        rows: rows stored since the start.
        second: the second that has just ended.
    """
    if health["state"] == "failed":
        return _state("failed", "Stopped", health["error"] or "it does not say why")
    if health["state"] == "stopped":
        return _state("failed", "Stopped", "it was told to stop")
    if health["waiting"]:
        return _state("waiting", "Waiting", "rows stay in the topic meanwhile; none is lost")
    slow = [b for b in health["busy"] if b["seconds"] >= SLOW_SECONDS]
    if slow:
        whom = {"predict": "the model", "store": "the target database"}
        said = "; ".join(f"{whom[b['stage']]} has not answered for {b['seconds']:.0f} s" for b in slow)
        return _state("waiting", "Waiting", said)
    if health["state"] == "starting":
        return _state("waiting", "Starting", "looking at the target database and the model")
    if not health["partitions"]:
        words = f"no partition of topic {topic} is ours yet; other subscribers of the group may have them all"
        return _state("waiting", "Waiting", words)
    if second.rows > 0 or recent > 0:
        return _state("good", "Predicting", "rows are predicted as they arrive")
    if second.lag:
        return _state("waiting", "Reading", f"no row of topic {topic} was stored in the last seconds")
    if not rows:
        return _state("idle", "No rows yet", f"waiting for rows of topic {topic}")
    return _state("idle", "Idle", f"every row of topic {topic} is predicted")


def _state(tone: str, word: str, words: str) -> dict[str, str]:
    return {"tone": tone, "word": word, "words": words}
