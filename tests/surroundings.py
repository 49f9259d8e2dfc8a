"""Gives a test run a home of its own, before anything reads the settings. Loaded by pytest with `-p`.

`DATABASE_URL` and `REDIS_URL` are kept: with them the same tests run on PostgreSQL and a real Redis.
"""

import atexit
import os
import shutil
import tempfile

# A short path, because a socket's path must be short; one per process, because pytest-xdist hands its own on.
home = tempfile.mkdtemp(prefix="leadscore-tests-")
atexit.register(shutil.rmtree, home, ignore_errors=True)
os.environ["LEADSCORE_HOME"] = home
for name in ("PORT", "PUBLIC_URL", "LEAD_QUEUES", "WORKERS"):
    os.environ.pop(name, None)
os.environ["BAD_KEYS_PER_MINUTE"] = "0"  # many tests send bad keys; those of the limit set it
