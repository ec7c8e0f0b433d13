#!/bin/sh
# Makes a server's roles at its first start, from the file that `make demo` uses too; names and passwords come from the
# environment, as settings of the session.
set -eu
{
  env | sed -nE 's/^([A-Z]+_(USER|PASSWORD|DATABASE))=.*/\1/p' | grep -v '^POSTGRES_' | while read -r name; do
    printf '\\getenv value %s\n' "$name"
    printf "select set_config('stream.%s', :'value', false) \\\\g /dev/null\n" "$(echo "$name" | tr '[:upper:]' '[:lower:]')"
  done
  echo '\i /roles.sql'
} | psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB"
