-- The tables that Debezium sees, without the one that it is told by.
SELECT schemaname, tablename
FROM pg_publication_tables
WHERE pubname = %(publication)s AND format('%%s.%%s', schemaname, tablename) <> %(signals)s
ORDER BY 1, 2
