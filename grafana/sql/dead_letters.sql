-- The newest dead letters of the range, the first 500 characters of each message.
select failed_at as "time", pipeline, cause, detail, topic, partition, "offset",
  left(encode(substring(value for 500), 'escape'), 500) as message
from dead_letter
where $__timeFilter(failed_at)
order by failed_at desc
limit 50
