-- Ids for a batch that is about to be written. A sequence never gives a number twice, not even after a crash.
SELECT nextval(pg_get_serial_sequence('image_event', 'id'))
FROM generate_series(1, %(count)s::int);
