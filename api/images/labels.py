"""What people say is in an image: in the monitoring database, and as a tag of the archived object."""

from api.archive.errors import ObjectMissing
from api.images.ports import ImageArchive
from api.monitoring.image_rows import ImageRows

LABEL_TAG = "label"


class UnknownImage(LookupError):
    """There is no such image; its text is a sentence for the caller."""


class Labels:
    """Stores labels; both places have one or neither, and sending it again heals what a crash left between."""

    def __init__(self, rows: ImageRows, archive: ImageArchive | None = None) -> None:
        """Take the database's rows and the archive; without an archive the database alone has the labels."""
        self._rows = rows
        self._archive = archive

    def put(self, prediction_id: str, label: int) -> None:
        """Store the label of an image, in place of an earlier one; blocks, so it is for threads.

        1. The row is written, and locked: two labels for one image come one after the other.
        2. The object is tagged. If that fails the row is rolled back.
        3. The row is committed. If that fails the tag is ahead of it, until the label is sent again.

        Raises:
            UnknownImage: there is no such prediction, or its image is not in the archive.
            DatabaseAway, StoreAway: one of the two does not answer now; send it again.
        """
        with self._rows.labelling(prediction_id, label) as object_key:
            if object_key is None:
                raise UnknownImage(f"there is no image {prediction_id}")
            if self._archive is not None:
                try:
                    self._archive.tag(object_key, {LABEL_TAG: str(label)})
                except ObjectMissing as error:
                    raise UnknownImage(f"the image {prediction_id} is not in the archive") from error
