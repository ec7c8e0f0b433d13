-- Notes what a replay covers, unless it has begun already, and where each partition begins.
with begun as (
  insert into replay (pipeline, topic, partition, first_offset, end_offset, asked)
  select %(pipeline)s, %(topic)s, span.partition, span.first_offset, span.end_offset, %(asked)s
  from unnest(%(partitions)s::int[], %(first)s::bigint[], %(end)s::bigint[]) as span (partition, first_offset, end_offset)
  on conflict do nothing
  returning pipeline, topic, partition, first_offset
)
insert into stream_offset (pipeline, topic, partition, next_offset)
select pipeline, topic, partition, first_offset from begun
on conflict do nothing
