"""Gives a test run a home of its own, before anything reads the settings. Loaded by pytest with `-p`.

`DATABASE_URL` and `REDIS_URL` are kept: with them the same tests run on PostgreSQL and a real Redis. Of the processes
that pytest-xdist starts each has a database of its own on both: pytest-django sees to the first, we to the second.
"""

import atexit
import os
import shutil
import tempfile

# A short path, because a socket's path must be short; one per process, because pytest-xdist hands its own on.
home = tempfile.mkdtemp(prefix="leadscore-tests-")
atexit.register(shutil.rmtree, home, ignore_errors=True)
os.environ["LEADSCORE_HOME"] = home
worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
if worker and (url := os.environ.get("REDIS_URL")):
    server, _, number = url.rpartition("/")
    os.environ["REDIS_URL"] = f"{server}/{int(number) + worker}"
for name in ("PORT", "PUBLIC_URL", "LEAD_QUEUES", "WORKERS"):
    os.environ.pop(name, None)
os.environ["BAD_KEYS_PER_MINUTE"] = "0"  # many tests send bad keys; those of the limit set it
