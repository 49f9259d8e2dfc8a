"""What every test can ask for."""

pytest_plugins = ["tests.chromium", "tests.embedded_redis"]
