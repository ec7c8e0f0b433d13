from alembic import context

from api.migrations import run

run(context.config.attributes)
