-- The largest part of the write-ahead log that a replication slot of this database makes the server keep, in bytes.
select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::float8 as held
from pg_replication_slots
where database = current_database()
