-- Roles of the source server. Run by its superuser at every start; passwords and names come as settings of the session.
-- The owner of the schema public owns the tables and may publish them; Debezium may stream the log and reads what it is
-- granted; the monitor may connect, which is all it takes to see the replication slots, and reads no table. The tasks role
-- owns the schema of the tasks and the publication of their outbox, and nothing else: nobody else may act for it.
--
-- The database itself is the superuser's, as its owner could set a search_path for every other role's sessions. Whoever may
-- write to a schema of a search_path can put a function there that is taken for one of Postgres' own; so nobody's but the
-- owner's own path, and the people's who sign in as the monitor, has the schema public.
do $$
declare
  owner text := current_setting('stream.source_user');
  reader text := current_setting('stream.debezium_user');
  monitor text := current_setting('stream.monitor_user');
  tasks text := current_setting('stream.tasks_user');
begin
  if not exists (select from pg_roles where rolname = owner) then
    execute format('create role %I', owner);
  end if;
  execute format('alter role %I login nosuperuser password %L', owner, current_setting('stream.source_password'));
  if not exists (select from pg_roles where rolname = reader) then
    execute format('create role %I', reader);
  end if;
  execute format('alter role %I login replication nosuperuser password %L', reader, current_setting('stream.debezium_password'));
  if not exists (select from pg_roles where rolname = monitor) then
    execute format('create role %I', monitor);
  end if;
  execute format('alter role %I login nosuperuser password %L', monitor, current_setting('stream.monitor_password'));
  execute format('alter database %I owner to %I', current_database(), current_user);
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect, create, temporary on database %I to %I', current_database(), owner);
  execute format('grant connect on database %I to %I', current_database(), reader);
  execute format('grant connect on database %I to %I', current_database(), monitor);
  execute format('alter schema public owner to %I', owner);
  execute format('grant usage on schema public to %I', reader);
  if reader <> owner then
    execute format('alter role %I in database %I set search_path = pg_catalog', reader, current_database());
  end if;
  -- without a name there are no tasks
  if tasks <> '' then
    if not exists (select from pg_roles where rolname = tasks) then
      execute format('create role %I', tasks);
    end if;
    execute format('alter role %I login nosuperuser password %L', tasks, current_setting('stream.tasks_password'));
    execute format('grant connect on database %I to %I', current_database(), tasks);
    execute format('create schema if not exists tasks authorization %I', tasks);
    if tasks <> owner then
      execute format('alter role %I in database %I set search_path = pg_catalog', tasks, current_database());
    end if;
    if pg_has_role(owner, tasks, 'member') then
      execute format('revoke %I from %I', tasks, owner);
    end if;
    -- made here because who makes one needs to be let make schemas, too
    if not exists (select from pg_publication where pubname = 'stream_serving_tasks') then
      create publication stream_serving_tasks with (publish = 'insert');
    end if;
    execute format('alter publication stream_serving_tasks owner to %I', tasks);
  end if;
end $$;
