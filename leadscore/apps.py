from django.apps import AppConfig


class LeadScoreConfig(AppConfig):
    name = "leadscore"
    verbose_name = "LeadScore"
