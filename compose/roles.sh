#!/bin/sh
# Makes a server's roles at its first start, from the files that `make demo` uses too; names and passwords come from the
# environment, as settings of the session. May be run again: it makes what is missing and sets the passwords anew.
set -eu
# who may write to the schema public of a database could have the superuser run a function of theirs
export PGOPTIONS="-c search_path=pg_catalog"
export PGUSER="${POSTGRES_USER:-postgres}" PGPASSWORD="${PGPASSWORD:-$POSTGRES_PASSWORD}"
sql() { psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -d "$1"; }

roles() { # DATABASE FILE
  {
    env | sed -nE 's/^([A-Z]+_(USER|PASSWORD|DATABASE))=.*/\1/p' | grep -v '^POSTGRES_' | while read -r name; do
      printf '\\getenv value %s\n' "$name"
      printf "select set_config('stream.%s', :'value', false) \\\\g /dev/null\n" "$(echo "$name" | tr '[:upper:]' '[:lower:]')"
    done
    printf '\\i %s\n' "$2"
  } | sql "$1"
}

roles "$POSTGRES_DB" /roles.sql
if [ -n "${MONITORING_DATABASE:-}" ]; then
  sql "$POSTGRES_DB" <<'SQL'
\getenv name MONITORING_DATABASE
select format('create database %I', :'name') where not exists (select from pg_database where datname = :'name') \gexec
SQL
  roles "$MONITORING_DATABASE" /monitoring.sql
fi
