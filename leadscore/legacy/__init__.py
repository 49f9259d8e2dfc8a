"""Bring over what the Node.js original of this system (Express, MongoDB, Bull) has stored.

`source` reads its documents, `translation` says what they mean here, `transfer` stores that through the ordinary
services, `comparison` sets the old scores beside the new ones.
"""
