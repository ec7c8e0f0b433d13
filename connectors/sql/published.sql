-- The tables that Debezium sees, without the one that it is told by, if it has one.
SELECT schemaname, tablename
FROM pg_publication_tables
WHERE pubname = %(publication)s AND format('%%s.%%s', schemaname, tablename) IS DISTINCT FROM %(signals)s
ORDER BY 1, 2
