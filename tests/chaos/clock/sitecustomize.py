"""Python runs this at the start of a process: its wall clock is then moved by what the file CLOCK_SHIFT holds."""

import os
import time

_path = os.environ.get("CLOCK_SHIFT", "")
_time, _time_ns = time.time, time.time_ns
_known = [0.0, 0.0]


def _shift() -> float:
    # the file is read again ten times a second, by the clock that does not jump
    if (now := time.monotonic()) - _known[0] > 0.1:
        _known[0] = now
        try:
            with open(_path) as file:  # noqa: PTH123 (pathlib would load much into every process)
                _known[1] = float(file.read() or 0)
        except (OSError, ValueError):
            pass
    return _known[1]


if _path:
    time.time = lambda: _time() + _shift()
    time.time_ns = lambda: _time_ns() + int(_shift() * 1e9)
