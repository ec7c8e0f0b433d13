"""Property tests bounded by their number of examples, not by the clock of a busy machine.

HYPOTHESIS_PROFILE=long tries twenty thousand examples of each instead of a hundred. In CI the examples are always the
same.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
settings.register_profile("long", settings.get_profile("steady"), max_examples=20_000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
