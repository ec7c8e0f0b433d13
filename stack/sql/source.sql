-- Roles of the source server. Run by its superuser at every start; passwords and names come as settings of the session.
-- The owner of the database owns the tables; Debezium may stream the log and reads what it is granted; the monitor may
-- connect, which is all it takes to see the replication slots, and reads no table. The tasks role owns the schema of the
-- tasks and nothing else; the owner of the database may do what it may, and so publish its outbox.
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
  execute format('alter database %I owner to %I', current_database(), owner);
  execute format('revoke all on database %I from public', current_database());
  execute format('grant connect on database %I to %I', current_database(), reader);
  execute format('grant connect on database %I to %I', current_database(), monitor);
  execute format('alter schema public owner to %I', owner);
  execute format('grant usage on schema public to %I', reader);
  -- without a name there are no tasks
  if tasks <> '' then
    if not exists (select from pg_roles where rolname = tasks) then
      execute format('create role %I', tasks);
    end if;
    execute format('alter role %I login nosuperuser password %L', tasks, current_setting('stream.tasks_password'));
    execute format('grant connect on database %I to %I', current_database(), tasks);
    execute format('create schema if not exists tasks authorization %I', tasks);
    execute format('grant %I to %I', tasks, owner);
  end if;
end $$;
