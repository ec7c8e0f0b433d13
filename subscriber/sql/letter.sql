-- One dead letter of a pipeline, whole.
select id, cause, detail, topic, partition, "offset", committed_at, failed_at, redriven_at, key, value
from dead_letter
where pipeline = %(pipeline)s and id = %(id)s
