-- Moves each partition from the offset we expect to the next. A partition missing from the answer is another owner's.
update stream_offset as stored
set next_offset = moved.next_offset, updated_at = now()
from unnest(%(partitions)s::int[], %(expected)s::bigint[], %(next)s::bigint[]) as moved (partition, expected, next_offset)
where stored.pipeline = %(pipeline)s
  and stored.topic = %(topic)s
  and stored.partition = moved.partition
  and stored.next_offset = moved.expected
returning stored.partition
