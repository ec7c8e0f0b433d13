-- Marks the predictions of source rows that were deleted, each with the time of that: of several deletes, the first.
update {table} as prediction
set {deleted_at} = gone.at
from (
  select distinct on (one.key) one.key, one.at
  from unnest(%(keys)s::text[]::{type}[], %(at)s::text[]::timestamptz[]) with ordinality as one (key, at, place)
  order by one.key, one.place
) as gone
where prediction.{key} = gone.key and prediction.{deleted_at} is null
