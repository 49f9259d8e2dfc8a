"""What every test can ask for."""

pytest_plugins = ["tests.embedded_redis"]
