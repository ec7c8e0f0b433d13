-- What became of each version of each row, in the order in which it was stored: a prediction's class and infinite
-- timestamp, or a dead letter's cause.
select
  source_id, version, iris_class, case when not isfinite(timestamp) then timestamp::text end, null as cause, id as place,
  stored_in::text::bigint as commit, predicted_at, stored_by::text
from chaos_prediction
where stored_by <> 'ballast'
union all
select
  (body ->> 'id')::bigint, (body ->> 'version')::int, null, null, cause, id,
  stored_in::text::bigint, failed_at, stored_by::text
from (select *, convert_from(value, 'UTF8')::jsonb -> 'payload' as body from dead_letter where pipeline = 'chaos') as letter
order by source_id, commit, cause nulls first, place
