-- The newest dead letters of a pipeline.
select id, cause, detail, partition, "offset", key, failed_at, committed_at
from dead_letter
where pipeline = %(pipeline)s
  and (%(cause)s::text is null or cause = %(cause)s)
  and failed_at >= %(since)s
order by failed_at desc, id desc
limit %(rows)s
