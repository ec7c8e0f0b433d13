"""Programs of their own that read and write Parquet: nothing else imports pyarrow, nor holds what a file unpacks to."""
