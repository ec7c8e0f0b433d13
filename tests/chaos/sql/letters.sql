-- Which subscriber stored a dead letter, and in which transaction; the predictions' table has both from its beginning.
alter table dead_letter
  add column if not exists stored_by name default session_user,
  add column if not exists stored_in xid8 default pg_current_xact_id()
