from django.apps import AppConfig


class IngestConfig(AppConfig):
    name = "ingest"
    verbose_name = "Projects and leads"

    def ready(self) -> None:
        from ingest import privacy_admin, webhook_admin  # noqa: F401  (importing registers them)
