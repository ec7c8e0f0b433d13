#!/bin/sh
# Starts SeaweedFS with the options it is given, and with one account, ARCHIVE_USER, which may do anything in the bucket
# ARCHIVE_BUCKET and nothing beside it. Its password comes from the environment and is in no process's arguments.
set -eu
umask 077
text() { printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"; }
{
  printf '{"identities":[{"name":%s,' "$(text "$ARCHIVE_USER")"
  printf '"credentials":[{"accessKey":%s,"secretKey":%s}],' "$(text "$ARCHIVE_USER")" "$(text "$ARCHIVE_PASSWORD")"
  printf '"actions":[%s' "$(text "Admin:$ARCHIVE_BUCKET")"
  for action in Read Write List Tagging; do printf ',%s' "$(text "$action:$ARCHIVE_BUCKET")"; done
  printf ']}]}'
} >/tmp/identities.json
exec weed -logtostderr=true server -s3.config=/tmp/identities.json "$@"
