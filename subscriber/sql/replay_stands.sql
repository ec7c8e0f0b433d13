-- How far each partition of a replay has come.
select partition, first_offset, next_offset, end_offset, asked, finished_at
from replay
join stream_offset using (pipeline, topic, partition)
where pipeline = %(pipeline)s and topic = %(topic)s
order by partition
