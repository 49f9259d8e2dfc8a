"""How well rules and a score foretell an outcome: plain counting and plain formulas, no library.

`observation` says what is known of a lead, `collector` adds leads up in bounded memory, `report` is what comes out.
"""
