"""What people say is in an image: in the monitoring database, and as a tag of the archived object."""

from api.archive.errors import ArchiveError, ObjectMissing
from api.images.errors import ArchiveAwayError, UnknownImageError
from api.images.ports import ImageArchive
from api.monitoring.errors import DatabaseAway
from api.monitoring.image_rows import ImageRows

LABEL_TAG = "label"


class Labels:
    """Stores labels: both places have one or neither, and sending it again heals what a crash left between."""

    def __init__(self, rows: ImageRows | None, archive: ImageArchive | None = None) -> None:
        """Take the database's rows, without which no label is stored, and the archive, without which they are alone."""
        self._rows = rows
        self._archive = archive

    def put(self, prediction_id: str, label: int) -> None:
        """Store the label of an image, in place of an earlier one; blocks, so it is for threads.

        1. The row is written, and locked: two labels for one image come one after the other.
        2. The object is tagged. If that fails the row is rolled back.
        3. The row is committed. If that fails the tag is ahead of it, until the label is sent again.

        Raises:
            UnknownImageError: there is no such prediction, or its image is not in the archive.
            ArchiveAwayError: one of the two does not answer now; send it again.
        """
        if self._rows is None:
            raise ArchiveAwayError("no monitoring database is set (MONITORING_HOST): it has the labels")
        try:
            with self._rows.labelling(prediction_id, label) as object_key:
                if object_key is None:
                    raise UnknownImageError(f"there is no prediction '{prediction_id}'")
                if self._archive is not None:
                    self._archive.tag(object_key, {LABEL_TAG: str(label)})
        except ObjectMissing as error:
            raise UnknownImageError(f"the image of prediction '{prediction_id}' is not in the archive") from error
        except DatabaseAway as error:
            raise ArchiveAwayError(f"the label is not stored, as the monitoring database is away: {error}") from error
        except ArchiveError as error:
            raise ArchiveAwayError("the label is not stored, as the archive is away") from error
