"""Settings that every test shares."""

import os

from hypothesis import HealthCheck, settings

# tests start many processes; none of them is to compile the whole package anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile(
    "raresim",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("raresim")
