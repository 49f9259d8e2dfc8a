"""The forms in which a draft is edited: rows and sentences instead of the JSON they stand for."""
