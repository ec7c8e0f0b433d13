-- A table of the publication's own, by which Debezium is told to send the rows that a table has already, and in which it marks
-- the moments between which it reads them. Run by the tables' owner; running it again changes nothing.
SELECT pg_advisory_xact_lock(hashtext('connectors'));

DO $$
BEGIN
    IF to_regclass({signals_name}) IS NULL THEN
        CREATE SCHEMA IF NOT EXISTS {signals_schema};
        CREATE TABLE {signals} (id text PRIMARY KEY, type text NOT NULL, data text);
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_publication_tables
        WHERE pubname = {publication_name} AND format('%s.%s', schemaname, tablename) = {signals_name}
    ) THEN
        ALTER PUBLICATION {publication} ADD TABLE {signals};
    END IF;
END $$;

GRANT USAGE ON SCHEMA {signals_schema} TO {debezium_user};
GRANT SELECT, INSERT, DELETE ON {signals} TO {debezium_user};
