-- How much of the write-ahead log each replication slot of this database makes the server keep.
select slot_name as slot, active, wal_status as "log",
  pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 as held,
  pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::float8 as unread,
  safe_wal_size::float8 as "left"
from pg_replication_slots
where database = current_database()
order by slot_name
