-- How many rows of a batch are stored: its ids alone do not tell them from rows that others gave the same ids.
SELECT count(*)
FROM unnest(
    %s::bigint[],
    %s::double precision[],
    %s::double precision[],
    %s::double precision[],
    %s::double precision[],
    %s::int[]
) AS batch (id, sepal_length, sepal_width, petal_length, petal_width, target)
JOIN iris_data AS stored USING (id)
WHERE (stored.sepal_length, stored.sepal_width, stored.petal_length, stored.petal_width, stored.target)
    IS NOT DISTINCT FROM (batch.sepal_length, batch.sepal_width, batch.petal_length, batch.petal_width, batch.target);
