-- Where each partition begins that this pipeline has never read.
insert into stream_offset (pipeline, topic, partition, next_offset)
select %(pipeline)s, %(topic)s, fresh.partition, fresh.next_offset
from unnest(%(partitions)s::int[], %(offsets)s::bigint[]) as fresh (partition, next_offset)
on conflict do nothing
