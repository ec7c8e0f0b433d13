-- A login for each subscriber, which acts as the role of all subscribers: the tables know who stored a row.
do $$
declare
  member text;
begin
  foreach member in array current_setting('chaos.members')::text[] loop
    if not exists (select from pg_roles where rolname = member) then
      execute format('create role %I', member);
    end if;
    execute format('alter role %I login password %L', member, current_setting('chaos.password'));
    execute format('grant %I to %I', current_setting('chaos.subscriber'), member);
    execute format('alter role %I set role = %L', member, current_setting('chaos.subscriber'));
  end loop;
end $$;
