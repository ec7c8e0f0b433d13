-- Seconds since the newest predicted row was written.
select extract(epoch from clock_timestamp() - max(timestamp))::float8 as seconds from iris_prediction
