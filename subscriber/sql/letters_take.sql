-- Locks dead letters of a pipeline for this transaction, oldest first, from where the last batch ended. Those that
-- somebody else holds are left to them.
select id, partition, "offset", key, value, coalesce(committed_at, failed_at), failed_at
from dead_letter
where pipeline = %(pipeline)s
  and (%(cause)s::text is null or cause = %(cause)s)
  and (%(ids)s::bigint[] is null or id = any (%(ids)s))
  and failed_at <= %(until)s
  and (failed_at, id) > (%(after)s::timestamptz, %(after_id)s)
order by failed_at, id
limit %(rows)s
for update skip locked
