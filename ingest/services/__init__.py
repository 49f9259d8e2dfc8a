"""The only writers of ingestion's tables."""
