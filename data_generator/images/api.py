"""What the model API is asked about images."""

from dataclasses import dataclass
from http import HTTPStatus

from data_generator.errors import RefusedError
from data_generator.images.source import DigitImage
from data_generator.model_api import ModelApi, accepted, fields, shown


@dataclass(frozen=True)
class Answer:
    """What the API says an image shows."""

    prediction_id: str
    predicted_class: int

    def object_key(self, image: DigitImage) -> str:
        """Where the archive keeps the image that was answered so."""
        return f"class_{self.predicted_class:02d}/{self.prediction_id}{image.format.extension}"


class ImageApi(ModelApi):
    """Answers images, and hears the truth about them."""

    def classify(self, image: DigitImage) -> Answer:
        """Ask what an image shows."""
        name = f"digit{image.format.extension}"
        response = self._post("/images", files={"file": (name, image.data, image.format.content_type)})
        answer = fields(response)
        try:
            return Answer(str(answer["prediction_id"]), int(str(answer["predicted_class"])))
        except (KeyError, TypeError, ValueError) as error:
            raise RefusedError(f"an answer without prediction_id and predicted_class: {shown(response)}") from error

    def label(self, prediction_id: str, meant: int) -> bool:
        """Tell what an answered image shows in truth; False while the API does not know the answer yet."""
        response = self._ask("PUT", f"/images/{prediction_id}/label", json={"label": meant})
        return response.status_code != HTTPStatus.NOT_FOUND and bool(accepted(response))

    def archived(self, prediction_id: str) -> bool:
        """Whether an answered image can be had from the archive."""
        response = self._ask("GET", f"/images/{prediction_id}")
        return response.status_code != HTTPStatus.NOT_FOUND and bool(accepted(response))
