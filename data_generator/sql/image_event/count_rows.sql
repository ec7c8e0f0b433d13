-- How many rows of a batch are stored: its ids alone do not tell them from rows that others gave the same ids.
SELECT count(*)
FROM unnest(
    %s::bigint[],
    %s::text[]
) AS batch (id, object_key)
JOIN image_event AS stored USING (id)
WHERE stored.object_key = batch.object_key;
