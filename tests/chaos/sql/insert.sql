insert into chaos (id, version, sepal_length, sepal_width, petal_length, petal_width, timestamp)
select * from unnest(%s::bigint[], %s::int[], %s::float8[], %s::float8[], %s::float8[], %s::float8[], %s::timestamptz[])
