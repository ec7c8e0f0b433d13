-- How many rows of a batch are stored.
SELECT count(*) FROM iris_data WHERE id = ANY (%(ids)s::bigint[]);
