#!/usr/bin/env python
"""Django's command line: `manage.py up` runs the whole system, `manage.py rescore` rebuilds every score."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadscore.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"LeadScore is not configured correctly: {error}")


if __name__ == "__main__":
    main()
