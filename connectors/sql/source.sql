-- Lets Debezium see one table of the source database: the publication names it, the grant lets the first snapshot read it.
-- Run by the table's owner; running it again changes nothing.
SELECT pg_advisory_xact_lock(hashtext('connectors'));

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = {publication_name}) THEN
        CREATE PUBLICATION {publication};
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_publication_tables
        WHERE pubname = {publication_name} AND schemaname = {schema_name} AND tablename = {table_name}
    ) THEN
        ALTER PUBLICATION {publication} ADD TABLE {schema}.{table};
    END IF;
END $$;

GRANT USAGE ON SCHEMA {schema} TO {debezium_user};
GRANT SELECT ON {schema}.{table} TO {debezium_user};
