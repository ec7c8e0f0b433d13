-- The first offset not stored yet, of each partition this pipeline has read.
select partition, next_offset
from stream_offset
where pipeline = %(pipeline)s and topic = %(topic)s
