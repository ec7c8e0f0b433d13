"""The files of the page on which an image is drawn or chosen."""

from api.page import PAGE, Assets, security

ASSETS = Assets(
    "api.images",
    {
        PAGE: "text/html",
        "images.css": "text/css",
        "images.js": "text/javascript",
        "drawing.js": "text/javascript",
        "icon.svg": "image/svg+xml",
    },
    # blob: is the picture that was chosen, before it is sent
    security(images="'self' blob:"),
)
