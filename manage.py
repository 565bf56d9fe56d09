#!/usr/bin/env python
"""Django's command line with Takeback's settings."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "takeback.settings")
    execute_from_command_line(sys.argv)
