"""The stream: rows of a Kafka topic, predicted by a model server, stored in the target database exactly once."""
