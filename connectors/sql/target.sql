-- The copy of the source rows that the sink connector keeps. Made before the first row arrives, because left to itself the
-- connector would not choose timestamptz. Running it again changes nothing.
SELECT pg_advisory_xact_lock(hashtext('connectors'));

CREATE TABLE IF NOT EXISTS iris_data (
    id           bigint PRIMARY KEY,
    timestamp    timestamptz NOT NULL,
    sepal_length double precision,
    sepal_width  double precision,
    petal_length double precision,
    petal_width  double precision,
    target       int
);

CREATE INDEX IF NOT EXISTS iris_data_timestamp ON iris_data (timestamp);
