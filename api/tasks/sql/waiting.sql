-- The models that have chunks waiting, each found by one step in the index: those that have finished, of which there may be
-- millions, are not walked past.
with recursive waiting as (
  (select model from tasks.chunk where state = 'waiting' order by model limit 1)
  union all
  select (
    select chunk.model from tasks.chunk
    where state = 'waiting' and chunk.model > waiting.model
    order by chunk.model
    limit 1
  )
  from waiting
  where waiting.model is not null
)
select model from waiting where model is not null
