"""Every image that was answered, kept in an S3 store."""
