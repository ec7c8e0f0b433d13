-- The newest rows of the range with their prediction; one that is not predicted yet has none.
select flower.timestamp as "time", flower.id,
  sepal_length as "sepal length", sepal_width as "sepal width",
  petal_length as "petal length", petal_width as "petal width",
  target as "true class", iris_class as prediction, (iris_class = target)::int as result,
  extract(epoch from predicted_at - prediction.timestamp)::float8 as latency, model_version as "model version"
from (
  select * from iris_data where $__timeFilter(timestamp) order by timestamp desc limit 50
) as flower
left join lateral (
  select * from iris_prediction where source_id = flower.id order by id desc limit 1
) as prediction on true
order by flower.timestamp desc, flower.id desc
