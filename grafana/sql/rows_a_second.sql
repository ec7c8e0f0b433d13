-- Rows that came in the last 10 s of the range, a second, by the sink's copy.
select count(*) / 10.0::float8 as rows
from iris_data
where timestamp > $__timeTo()::timestamptz - interval '10 s' and timestamp <= $__timeTo()::timestamptz
