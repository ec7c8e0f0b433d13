-- Notes that a replay has come to its end.
update replay set finished_at = now() where pipeline = %(pipeline)s and topic = %(topic)s and finished_at is null
