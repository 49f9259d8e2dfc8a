"""The only writers of scoring's tables."""
