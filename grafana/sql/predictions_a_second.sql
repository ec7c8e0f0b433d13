-- Predictions of rows that came in the last 10 s of the range, a second.
select count(*) / 10.0::float8 as predictions
from iris_prediction
where timestamp > $__timeTo()::timestamptz - interval '10 s' and timestamp <= $__timeTo()::timestamptz
