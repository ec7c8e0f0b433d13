update chaos
set version = fresh.version, sepal_length = fresh.a, sepal_width = fresh.b, petal_length = fresh.c, petal_width = fresh.d,
  timestamp = fresh.at
from unnest(%s::bigint[], %s::int[], %s::float8[], %s::float8[], %s::float8[], %s::float8[], %s::timestamptz[])
  as fresh (id, version, a, b, c, d, at)
where chaos.id = fresh.id
