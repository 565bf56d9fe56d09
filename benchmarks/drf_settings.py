"""The service's own settings, with the reference in place of its routes."""

from takeback.settings import *  # noqa: F403 - the same in everything else

ROOT_URLCONF = "benchmarks.drf_reference"
