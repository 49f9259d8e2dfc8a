from django.apps import AppConfig


class LeadScoreConfig(AppConfig):
    name = "leadscore"
    verbose_name = "LeadScore"

    def ready(self) -> None:
        from leadscore import checks  # noqa: F401 - registers them
        from leadscore.api import schema  # noqa: F401 - likewise
