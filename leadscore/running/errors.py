"""Why the system cannot run, as one sentence its operator can act on."""


class CannotRun(Exception):
    """Raised with a sentence for the operator; the command prints it and exits with 1."""
