"""Every image that was answered, kept in an S3 store: off the request's path, and through outages."""
