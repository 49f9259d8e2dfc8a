"""What every test can ask for."""

pytest_plugins = ["tests.chromium", "tests.database", "tests.embedded_redis"]
