"""Create the people who log in."""

from ingest.models import User


def create_administrator(username: str, *, password: str) -> User:
    """Create a person who may do everything in the admin."""
    return User.objects.create_superuser(username, password=password)


def change_password(user: User, password: str) -> None:
    """Give a person a new password; whoever was logged in with the old one no longer is."""
    user.set_password(password)
    user.save(update_fields=["password"])
