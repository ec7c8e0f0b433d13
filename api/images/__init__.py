"""Images in, a digit out: decoding under limits, the endpoints, the page, and what is asked of the archive."""
