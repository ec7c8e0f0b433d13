-- Makes the session the pipeline's one trimmer, unless another is. One that is frozen must not stay it for ever; servers
-- before Postgres 14 do not know this limit.
select
  pg_try_advisory_lock(hashtextextended('stream-serving retention ' || %(pipeline)s, 0)),
  set_config('application_name', %(name)s, false),
  (select set_config(name, %(idle)s, false) from pg_settings where name = 'idle_session_timeout')
