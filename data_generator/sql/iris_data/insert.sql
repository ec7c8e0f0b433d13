-- One batch, one statement, one transaction. The primary key refuses a batch that is there already.
INSERT INTO iris_data (id, sepal_length, sepal_width, petal_length, petal_width, target)
SELECT *
FROM unnest(
    %s::bigint[],
    %s::double precision[],
    %s::double precision[],
    %s::double precision[],
    %s::double precision[],
    %s::int[]
);
