"""What the model API is asked about applications."""

from data_generator.applications.endpoint import Endpoint
from data_generator.applications.source import Application
from data_generator.errors import RefusedError
from data_generator.model_api import ModelApi, fields, shown


class ApplicationApi(ModelApi):
    """Answers applications."""

    def answer(self, endpoint: Endpoint, application: Application) -> bool:
        """Ask one endpoint about an application; whether the answer came from the cache."""
        response = self._post(f"/{endpoint}", json=application)
        if endpoint.output not in fields(response):
            raise RefusedError(f"an answer without {endpoint.output}: {shown(response)}")
        return response.headers.get("X-Cache") == "hit"
