-- What became of each source row: predictions, dead letters, class.
select source_id, sum(predictions)::bigint, sum(letters)::bigint, max(iris_class)
from (
  select source_id, 1 as predictions, 0 as letters, iris_class from iris_prediction where source_id is not null
  union all
  select (convert_from(key, 'UTF8')::jsonb #>> '{payload,id}')::bigint, 0, 1, null from dead_letter where pipeline = 'iris' and key is not null
) as result (source_id, predictions, letters, iris_class)
where source_id <= %(newest)s
group by source_id
order by source_id
