-- Roles of the target server. Run by its superuser at every start; passwords and names come as settings of the session.
-- The subscriber and the sink each own the tables they make; the reader sees all and changes nothing. The tasks role reads
-- and removes what the subscriber puts into the schema of the tasks, and sees nothing else.
do $$
declare
  owner text := current_setting('stream.target_user');
  reader text := current_setting('stream.reader_user');
  tasks text := current_setting('stream.tasks_user');
  subscriber text := current_setting('stream.subscriber_user');
  writer text;
  password text;
begin
  for writer, password in values
    (owner, current_setting('stream.target_password')),
    (reader, current_setting('stream.reader_password')),
    (subscriber, current_setting('stream.subscriber_password')),
    (current_setting('stream.sink_user'), current_setting('stream.sink_password'))
  loop
    if not exists (select from pg_roles where rolname = writer) then
      execute format('create role %I', writer);
    end if;
    execute format('alter role %I login nosuperuser password %L', writer, password);
  end loop;
  execute format('alter database %I owner to %I', current_database(), owner);
  execute format('revoke all on database %I from public', current_database());
  execute format('alter schema public owner to %I', owner);
  execute format('grant connect on database %I to %I', current_database(), reader);
  execute format('grant usage on schema public to %I', reader);
  execute format('alter default privileges for role %I in schema public grant select on tables to %I', owner, reader);
  foreach writer in array array[subscriber, current_setting('stream.sink_user')] loop
    execute format('grant connect on database %I to %I', current_database(), writer);
    execute format('grant usage, create on schema public to %I', writer);
    execute format('alter default privileges for role %I in schema public grant select on tables to %I', writer, reader);
    -- a person signed in as the owner may do whatever the writers may
    execute format('grant %I to %I', writer, owner);
  end loop;
  -- without a name there are no tasks
  if tasks <> '' then
    if not exists (select from pg_roles where rolname = tasks) then
      execute format('create role %I', tasks);
    end if;
    execute format('alter role %I login nosuperuser password %L', tasks, current_setting('stream.tasks_password'));
    execute format('create schema if not exists tasks authorization %I', owner);
    execute format('grant connect on database %I to %I', current_database(), tasks);
    -- its statements name every schema; in public others may put functions that are taken for Postgres' own
    execute format('alter role %I in database %I set search_path = pg_catalog', tasks, current_database());
    execute format('grant usage on schema tasks to %I, %I', tasks, reader);
    execute format('grant usage, create on schema tasks to %I', subscriber);
    execute format('alter default privileges for role %I in schema tasks grant select on tables to %I', subscriber, reader);
    execute format('alter default privileges for role %I in schema tasks grant select, delete on tables to %I', subscriber, tasks);
  end if;
end $$;
