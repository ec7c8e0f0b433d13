-- A contender's table beside the subscriber's: rows, different rows, and those whose prediction is another.
select
  count(*),
  count(distinct contender.source_id),
  count(*) filter (
    where subscriber.source_id is null
    or (contender.iris_class, contender.timestamp) is distinct from (subscriber.iris_class, subscriber.timestamp)
    -- the plain loop is not told the version
    or contender.model_version <> subscriber.model_version
  )
from {contender} as contender left join {subscriber} as subscriber using (source_id)
