-- Lets Debezium see the changes of one table from now on. Run by the table's owner; running it again changes nothing.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_publication_tables
        WHERE pubname = {publication_name} AND schemaname = {schema_name} AND tablename = {table_name}
    ) THEN
        ALTER PUBLICATION {publication} ADD TABLE {schema}.{table};
    END IF;
END $$;
