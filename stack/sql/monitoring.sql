-- Roles of the monitoring database, which lies in the target server. Run in it by the superuser at every start, after
-- target.sql; passwords and names come as settings of the session.
-- The monitoring role owns this database and nothing else; the reader sees all and changes nothing.
do $$
declare
  owner text := current_setting('stream.monitoring_user');
  reader text := current_setting('stream.reader_user');
begin
  if not exists (select from pg_roles where rolname = owner) then
    execute format('create role %I', owner);
  end if;
  execute format('alter role %I login nosuperuser password %L', owner, current_setting('stream.monitoring_password'));
  execute format('alter database %I owner to %I', current_database(), owner);
  execute format('revoke all on database %I from public', current_database());
  execute format('alter schema public owner to %I', owner);
  execute format('grant connect on database %I to %I', current_database(), reader);
  execute format('grant usage on schema public to %I', reader);
  execute format('alter default privileges for role %I in schema public grant select on tables to %I', owner, reader);
end $$;
