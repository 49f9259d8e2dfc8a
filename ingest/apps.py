from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "ingest"
    verbose_name = "Projects and leads"

    def ready(self) -> None:
        from ingest import webhook_admin  # noqa: F401  (importing registers it)
