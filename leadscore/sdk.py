"""The browser SDK, served at an address that never changes, to pages of any site."""

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

MINUTES_IN_CACHES = 10


@lru_cache(maxsize=1)
def source() -> bytes:
    """Return the script as it stands in `static/sdk/`."""
    return (Path(settings.BASE_DIR) / "static" / "sdk" / "leadscore.js").read_bytes()


@lru_cache(maxsize=1)
def _compressed() -> bytes:
    return gzip.compress(source(), 9, mtime=0)


@lru_cache(maxsize=1)
def etag() -> str:
    """Return what changes when the script does; weak, because it stands for the script compressed and not."""
    return f'W/"{hashlib.sha256(source()).hexdigest()[:20]}"'


@require_safe
def sdk(request: HttpRequest) -> HttpResponseBase:
    """Return the script; browsers ask again after ten minutes, so that a new version is soon everywhere."""
    response = HttpResponse(source(), content_type="text/javascript; charset=utf-8")
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.content = _compressed()
        response["Content-Encoding"] = "gzip"
    response["Cache-Control"] = f"public, max-age={MINUTES_IN_CACHES * 60}"
    response["ETag"] = etag()
    patch_vary_headers(response, ["Accept-Encoding"])
    answer = get_conditional_response(request, etag=etag(), response=response) or response
    # For `crossorigin` with `integrity`, and for sites that embed only what says it may be embedded.
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
