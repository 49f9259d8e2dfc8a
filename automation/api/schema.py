"""The shapes of automation's answers, for the OpenAPI document. Names are those of the JSON: camelCase."""

from typing import Any

from rest_framework import serializers

from automation.models import Action, Delivery
from ingest.api.schema import ExclusionSerializer


class DeliverySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="Also the `webhook-id` and the start of the e-mail's Message-ID.")
    kind = serializers.ChoiceField(choices=Action.Kind.choices)
    status = serializers.ChoiceField(choices=Delivery.Status.choices)
    attempts = serializers.IntegerField()
    detail = serializers.CharField(help_text="What the last attempt led to, in words.")
    dueAt = serializers.DateTimeField(allow_null=True, help_text="When it is tried next.")
    deliveredAt = serializers.DateTimeField(allow_null=True)


class RunSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    automationId = serializers.UUIDField()
    automation = serializers.CharField()
    leadId = serializers.UUIDField()
    lead = serializers.CharField()
    why = serializers.CharField(help_text="In words, such as “cold → hot, by demo_request”.")
    facts = serializers.DictField(
        help_text="What was true then: eventType, oldScore, newScore, oldStage, newStage, occurredAt."
    )
    occurredAt = serializers.DateTimeField(help_text="When what caused it happened.")
    firedAt = serializers.DateTimeField()
    deliveries = DeliverySerializer(many=True)


class RunListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RunSerializer(many=True)


class HappeningSerializer(serializers.Serializer[Any]):
    """An event, a stage change, an automation run, a merge or its undoing; `kind` says which.

    Which other fields there are depends on it.
    """

    kind = serializers.ChoiceField(choices=["event", "stage_change", "automation_run", "merge", "unmerge"])
    occurredAt = serializers.DateTimeField()
    eventId = serializers.CharField(required=False)
    eventType = serializers.CharField(required=False)
    properties = serializers.DictField(required=False)
    excluded = ExclusionSerializer(required=False, allow_null=True, help_text="Null: the event counts.")
    oldStage = serializers.CharField(required=False)
    newStage = serializers.CharField(required=False)
    oldScore = serializers.FloatField(required=False)
    newScore = serializers.FloatField(required=False)
    run = RunSerializer(required=False)


class TimelineSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = HappeningSerializer(many=True)


class ExportSerializer(serializers.Serializer[Any]):
    """Everything known of a person. Events and ledgers are in order; `ids` are those of all merged leads."""

    exportedAt = serializers.DateTimeField()
    lead = serializers.DictField(help_text="As `GET /api/leads/{id}` shows it.")
    ids = serializers.ListField(child=serializers.UUIDField())
    identifiers = serializers.ListField(child=serializers.DictField())
    events = serializers.ListField(child=serializers.DictField(), help_text="With properties, traits and context.")
    adjustments = serializers.ListField(child=serializers.DictField())
    scoreEntries = serializers.ListField(child=serializers.DictField(), help_text="Of all scorecards.")
    stageHistory = serializers.ListField(child=serializers.DictField())
    merges = serializers.ListField(child=serializers.DictField())
    refusedNames = serializers.ListField(child=serializers.DictField())
    automationRuns = serializers.ListField(child=serializers.DictField(), help_text="With their deliveries.")
    eventsNotScored = serializers.ListField(child=serializers.DictField())
