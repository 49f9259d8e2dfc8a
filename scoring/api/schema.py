"""The shapes of scoring's answers, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers


class OwnerSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class CardScoreSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    score = serializers.FloatField()
    stage = serializers.CharField()


class LeadSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField(allow_null=True)
    email = serializers.CharField(allow_null=True)
    company = serializers.CharField(allow_null=True)
    currentScore = serializers.FloatField(help_text="Points on the primary scorecard.")
    leadStage = serializers.CharField()
    scorecards = CardScoreSerializer(many=True)
    grade = serializers.CharField(
        allow_null=True, help_text="Fit (A–D) and engagement (1–4), where there is a scorecard on traits."
    )
    eventsLast24h = serializers.IntegerField(help_text="By event time.")
    lastEventAt = serializers.DateTimeField(allow_null=True)
    owner = OwnerSerializer(allow_null=True)
    traits = serializers.DictField()
    createdAt = serializers.DateTimeField()


class LeadListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = LeadSerializer(many=True)


class SuspicionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    inCommon = serializers.ChoiceField(
        choices=["email", "phone", "name"],
        help_text="The same e-mail address in another spelling, the same phone number, or the same name and company.",
    )
    since = serializers.DateTimeField()
    leads = LeadSerializer(many=True, help_text="Two or more, the oldest first.")


class SuspicionListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = SuspicionSerializer(many=True)


class RuleHitSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    points = serializers.FloatField()
    applied = serializers.FloatField(required=False, help_text="What was granted, where it is not `points`.")
    refused = serializers.CharField(required=False, help_text="Why nothing or not all was granted, in words.")


class AuthorSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()


class AdjustmentNoteSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    author = AuthorSerializer()


class EntrySerializer(serializers.Serializer[Any]):
    eventId = serializers.CharField(allow_null=True)
    eventType = serializers.CharField(allow_null=True)
    kind = serializers.ChoiceField(choices=["event", "decay", "adjustment"])
    occurredAt = serializers.DateTimeField()
    delta = serializers.FloatField()
    oldScore = serializers.FloatField()
    newScore = serializers.FloatField()
    oldStage = serializers.CharField()
    newStage = serializers.CharField()
    rules = RuleHitSerializer(many=True)
    rulesetVersion = serializers.IntegerField()
    adjustment = AdjustmentNoteSerializer(allow_null=True, help_text="Who adjusted and why; null for any other kind.")


class AdjustedSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["queued", "duplicate"])
    adjustmentId = serializers.CharField(help_text="Its `eventId` in the history.")
    leadId = serializers.UUIDField()


class EntryListSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = EntrySerializer(many=True)


class TrendSerializer(serializers.Serializer[Any]):
    direction = serializers.ChoiceField(choices=["up", "down", "steady"])
    delta = serializers.FloatField(help_text="Points of the last seven days less those of the seven before.")


class IntelligenceSerializer(serializers.Serializer[Any]):
    leadId = serializers.UUIDField()
    score = serializers.FloatField()
    stage = serializers.CharField()
    velocity = serializers.IntegerField(help_text="Events in the last 24 hours × 3, by event time.")
    velocityLevel = serializers.ChoiceField(choices=["high", "medium", "low"])
    risk = serializers.ChoiceField(choices=["high", "medium", "low"])
    trend = TrendSerializer()
    nextAction = serializers.CharField()
    recommendations = serializers.ListField(child=serializers.CharField())
    reasons = serializers.ListField(child=serializers.CharField())


class ContributionSerializer(serializers.Serializer[Any]):
    occurredAt = serializers.DateTimeField(allow_null=True)
    kind = serializers.ChoiceField(choices=["start", "event", "decay", "adjustment"])
    points = serializers.FloatField()
    rules = serializers.ListField(child=serializers.CharField())
    sentence = serializers.CharField()


class RefusalSerializer(serializers.Serializer[Any]):
    occurredAt = serializers.DateTimeField()
    rule = serializers.CharField()
    points = serializers.FloatField()
    sentence = serializers.CharField()


class ExplanationSerializer(serializers.Serializer[Any]):
    leadId = serializers.UUIDField()
    asOf = serializers.DateTimeField()
    score = serializers.FloatField()
    stage = serializers.CharField()
    contributions = ContributionSerializer(many=True, help_text="They sum to `score`.")
    refused = RefusalSerializer(many=True, help_text="What limits kept from counting, and why.")
    next = serializers.ListField(child=serializers.CharField())


class RankedSerializer(serializers.Serializer[Any]):
    rank = serializers.IntegerField()
    leadId = serializers.UUIDField()
    name = serializers.CharField(allow_null=True)
    company = serializers.CharField(allow_null=True)
    score = serializers.FloatField()
    stage = serializers.CharField()


class LeaderboardSerializer(serializers.Serializer[Any]):
    results = RankedSerializer(many=True)


class SimulatedEventSerializer(serializers.Serializer[Any]):
    eventType = serializers.CharField(max_length=64)
    timestamp = serializers.DateTimeField()
    eventId = serializers.CharField(required=False, max_length=100)
    properties = serializers.DictField(required=False)
    traits = serializers.DictField(required=False, help_text="What the event says of the lead, as `identify` does.")
    context = serializers.DictField(required=False)  # type: ignore[assignment]  # a field of the same name as a property is meant


class SimulationRequestSerializer(serializers.Serializer[Any]):
    ruleset = serializers.DictField(required=False, help_text="A whole ruleset, as `manage.py ruleset export` writes.")
    rulesetVersion = serializers.IntegerField(required=False, min_value=1, help_text="Neither: the draft.")
    events = SimulatedEventSerializer(many=True, help_text="At most 1,000.")
    traits = serializers.DictField(required=False, help_text="What is known of the lead from the beginning.")
    asOf = serializers.DateTimeField(required=False, help_text="Fade and expire until then; else to the last event.")


class SimulatedScorecardSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    score = serializers.FloatField()
    stage = serializers.CharField()
    entries = EntrySerializer(many=True)


class SimulationSerializer(serializers.Serializer[Any]):
    score = serializers.FloatField(help_text="On the primary scorecard, as are `stage` and `entries`.")
    stage = serializers.CharField()
    scorecards = SimulatedScorecardSerializer(many=True)
    entries = EntrySerializer(many=True)
