"""Registers the connectors that carry rows from the source database to Kafka and to their copy in the target."""
