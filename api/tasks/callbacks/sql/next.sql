-- In how many seconds the next callback is due.
select extract(epoch from min(coalesce(callback_at, finished_at)) - clock_timestamp())::float8
from tasks.task
where callback = 'waiting' and finished_at is not null and removed_at is null
