-- Marks the predictions of source rows that were deleted, each with the time of that.
update {table} as prediction
set {deleted_at} = gone.at
from unnest(%(keys)s::text[]::{type}[], %(at)s::text[]::timestamptz[]) as gone (key, at)
where prediction.{key} = gone.key and prediction.{deleted_at} is null
