from alembic import context

from api.revisions import run

run(context.config.attributes)
