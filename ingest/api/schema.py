"""The shapes of ingestion's answers, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers


class RecordedSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["queued", "duplicate"])
    eventId = serializers.CharField()
    leadId = serializers.UUIDField(allow_null=True, help_text="Null: a duplicate of an erased person's event.")


class RejectedSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Its place among what was sent, from 0.")
    code = serializers.CharField()
    detail = serializers.CharField()


class BatchRecordedSerializer(serializers.Serializer[Any]):
    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = RejectedSerializer(many=True)


class ExclusionSerializer(serializers.Serializer[Any]):
    """Why an event does not count."""

    reason = serializers.ChoiceField(choices=["bot", "gateway_burst", "by_hand"])
    detail = serializers.CharField(allow_null=True, help_text="The bot's name, or the reason that somebody gave.")
    by = serializers.CharField(allow_null=True, help_text="Who excluded it by hand.")
    at = serializers.DateTimeField()


class WebhookReceivedSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(
        choices=["queued", "duplicate", "ignored"], help_text="The best that became of any item of it."
    )
    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    ignored = serializers.IntegerField(help_text="Items that the mapping leaves out.")
    rejected = RejectedSerializer(many=True)


class EventSerializer(serializers.Serializer[Any]):
    eventId = serializers.CharField()
    eventType = serializers.CharField()
    kind = serializers.ChoiceField(choices=["activity", "profile", "adjustment", "merge"])
    leadId = serializers.UUIDField(allow_null=True, help_text="Null: an erased person's.")
    occurredAt = serializers.DateTimeField()
    receivedAt = serializers.DateTimeField()
    timestamp = serializers.DateTimeField(allow_null=True, help_text="By the client's own clock.")
    sentAt = serializers.DateTimeField(allow_null=True)
    sessionId = serializers.CharField(allow_null=True)
    properties = serializers.DictField()
    traits = serializers.DictField()
    excluded = ExclusionSerializer(allow_null=True, help_text="Null: the event counts.")


class EventListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = EventSerializer(many=True)


class RangeSerializer(serializers.Serializer[Any]):
    leadId = serializers.CharField(required=False)
    eventType = serializers.CharField(required=False)
    to = serializers.DateTimeField(required=False)
    userAgent = serializers.CharField(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return super().get_fields() | {"from": serializers.DateTimeField(required=False)}


class RulingSerializer(serializers.Serializer[Any]):
    """What was said by hand of events: that they do not count, or that they do."""

    id = serializers.UUIDField()
    verb = serializers.ChoiceField(choices=["exclude", "include"])
    dryRun = serializers.BooleanField(help_text="It only counted what it would touch.")
    eventIds = serializers.ListField(child=serializers.CharField(), allow_null=True)
    range = RangeSerializer(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    by = serializers.CharField()
    status = serializers.ChoiceField(choices=["running", "done", "failed"])
    events = serializers.IntegerField(help_text="How many events it has touched, or would.")
    leads = serializers.IntegerField(help_text="How many leads they belong to.")
    leadsDone = serializers.IntegerField(help_text="How many leads it has looked at.")
    leadsTotal = serializers.IntegerField()
    error = serializers.CharField(allow_null=True)
    createdAt = serializers.DateTimeField()
    finishedAt = serializers.DateTimeField(allow_null=True)


class RulingListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RulingSerializer(many=True)


class ProblemDetailSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="A JSON pointer to what is wrong.")
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """A refused request (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable; for programs.")
    message = serializers.CharField(help_text="The same as `detail`, for clients that expect this name.")
    errors = ProblemDetailSerializer(many=True)  # type: ignore[assignment]  # the name is the RFC's
