-- Chunks that have been on their way for so long that their message may be lost. Should it come after all, its receipt makes the
-- second of no effect. The wait doubles each time.
with late as (
  update tasks.chunk
  set releases = releases + 1, released_at = clock_timestamp()
  where state = 'released' and released_at < clock_timestamp() - :seconds * power(2, least(releases - 1, 10)) * interval '1 second'
  returning task, number, model, payload
),
before as (
  delete from tasks.outbox using late where aggregateid = late.task || '/' || late.number
),
sent as (
  insert into tasks.outbox (aggregatetype, aggregateid, payload) select model, task || '/' || number, payload from late
)
select count(*) as chunks from late
