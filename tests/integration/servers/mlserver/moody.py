"""A model of one's own in MLServer: it is loaded once a file is there, and does not take every row."""

import asyncio
import os
from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse

CRASHES, HAS_NO_VALUE = 13.0, -1.0


class Moody(MLModel):  # type: ignore[misc]
    """Gives the logarithm of the first column."""

    async def load(self) -> bool:
        """Wait for the file that MOODY_GATE names."""
        while not Path(os.environ["MOODY_GATE"]).exists():
            await asyncio.sleep(0.05)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Raise if a value is CRASHES; HAS_NO_VALUE gives no number."""
        values = NumpyCodec.decode_input(payload.inputs[0])[:, 0]
        if (values == CRASHES).any():
            raise ValueError("unlucky")
        with np.errstate(invalid="ignore"):
            return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("log", np.log(values))])
