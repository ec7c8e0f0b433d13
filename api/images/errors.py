"""What can go wrong with an image, by what is to be done about it.

ApiError
├── RequestError                the image is at fault; sending it again changes nothing
│   ├── ImageTooLargeError      more bytes, pixels, frames or scans than are taken
│   ├── UnsupportedImageError   said to be of a type that is none of PNG, JPEG and WebP
│   ├── UnreadableImageError    no such image, or a torn or damaged one
│   ├── BlankImageError         nothing is drawn in it
│   ├── UploadError             the upload holds no file where one is looked for
│   └── UnknownImageError       no image of this prediction is kept
└── ArchiveAwayError            the store or the database does not answer now; send it again a little later
"""

from api.errors import ApiError, RequestError


class ImageTooLargeError(RequestError):
    """More bytes, pixels, frames or scans than are taken."""


class UnsupportedImageError(RequestError):
    """Said to be of a type that is none of PNG, JPEG and WebP."""


class UnreadableImageError(RequestError):
    """Not a PNG, JPEG or WebP image, or one that ends early or is damaged."""


class BlankImageError(RequestError):
    """Nothing is drawn in the image."""


class UploadError(RequestError):
    """The upload holds no file where one is looked for."""


class UnknownImageError(RequestError):
    """No image of this prediction is kept."""


class ArchiveAwayError(ApiError):
    """The store or the database of the images does not answer; worth sending again after `retry_after_seconds`."""

    retry_after_seconds = 2
