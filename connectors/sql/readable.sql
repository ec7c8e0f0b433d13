-- Lets Debezium read one table, for a snapshot. Committed before the table is published, because Debezium may hear of that
-- an instant before other sessions see what the same transaction granted.
GRANT USAGE ON SCHEMA {schema} TO {debezium_user};
GRANT SELECT ON {schema}.{table} TO {debezium_user};
