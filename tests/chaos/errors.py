"""Why a run ends before its proof."""


class Stuck(Exception):
    """The stream does not go on, or nobody watches it; the message says what was waited for."""
