-- The models that have chunks waiting.
select distinct model from tasks.task
where status in ('queued', 'running') and exists (
  select from tasks.chunk where chunk.model = task.model and chunk.task = task.id and chunk.state = 'waiting'
)
