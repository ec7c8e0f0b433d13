-- What a table is, as far as it matters to publishing it; no row where it is not there.
SELECT
    class.relkind::text AS kind,
    class.relpersistence = 'p' AS logged,
    class.relreplident::text AS identity,
    EXISTS (SELECT FROM pg_index WHERE indrelid = class.oid AND indisprimary) AS has_key,
    pg_has_role(current_user, class.relowner, 'usage') AS ours,
    class.relowner::regrole::text AS owner,
    class.relrowsecurity AND NOT (SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = %(debezium)s) AS hidden,
    EXISTS (
        SELECT FROM pg_publication_tables
        WHERE pubname = %(publication)s AND schemaname = %(schema)s AND tablename = %(table)s
    ) AS published,
    has_table_privilege(%(debezium)s, class.oid, 'select') AND has_schema_privilege(%(debezium)s, space.oid, 'usage') AS readable
FROM pg_class AS class
JOIN pg_namespace AS space ON space.oid = class.relnamespace
WHERE space.nspname = %(schema)s AND class.relname = %(table)s
