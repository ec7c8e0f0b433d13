-- One batch, one statement, one transaction. The primary key refuses a batch that is there already.
INSERT INTO image_event (id, object_key)
SELECT *
FROM unnest(
    %s::bigint[],
    %s::text[]
);
