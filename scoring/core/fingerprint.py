"""The fingerprint of a ruleset's content: the same for the same rules, whatever the order of keys."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def fingerprint(tree: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a ruleset tree, as 64 hexadecimal digits."""
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
