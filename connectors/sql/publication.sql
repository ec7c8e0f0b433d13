-- The publication is the list of the tables that Debezium sees, and of the kinds of changes. Run by the tables' owner; running
-- it again changes nothing.
SELECT pg_advisory_xact_lock(hashtext('connectors'));

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = {publication_name}) THEN
        CREATE PUBLICATION {publication} WITH (publish = {operations});
    END IF;
END $$;
