-- How far each partition of a pipeline has come, and since when it stands there.
select partition, next_offset, updated_at, extract(epoch from now() - updated_at)::float8
from stream_offset
where pipeline = %(pipeline)s and topic = %(topic)s
order by partition
