"""What alembic runs: the revisions, on the connection and in the transaction that `migrate` gives."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
