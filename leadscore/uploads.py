"""Who may upload how much. Django takes a form apart before any view sees it, so this has to be asked here."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

MEGABYTE = 1024 * 1024


class Limit(FileUploadHandler):
    """Refuses forms that are too large, and files that come from nobody we know."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *_: Any, **__: Any) -> None:  # noqa: N803
        if content_length > settings.IMPORT_MAX_MEGABYTES * MEGABYTE:
            raise RequestDataTooBig("The file is too large.")

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        request = self.request
        if request is not None and not request.path.startswith("/api/") and not request.user.is_authenticated:
            raise PermissionDenied

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
