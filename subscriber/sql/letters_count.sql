-- How many dead letters of a pipeline there are now, and when that is.
select count(*), clock_timestamp()
from dead_letter
where pipeline = %(pipeline)s
  and (%(cause)s::text is null or cause = %(cause)s)
  and (%(ids)s::bigint[] is null or id = any (%(ids)s))
