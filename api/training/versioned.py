import hashlib
from datetime import UTC, datetime

import msgspec
import numpy as np
import sklearn
import skops
from sklearn.base import BaseEstimator

from api.model.description import Description
from api.model.fingerprint import fingerprint


def versioned(description: Description, estimator: BaseEstimator) -> Description:
    """The description with the libraries, the time, and the version: a hash of the rest and of what was learnt.

    The same outcome has the same version, whenever it is trained.

    Raises:
        TypeError: the estimator holds something whose content cannot be told, such as a function.
    """
    libraries = {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "skops": skops.__version__}
    described = msgspec.structs.replace(description, libraries=libraries)
    content = msgspec.json.encode(described) + fingerprint(estimator).encode()
    return msgspec.structs.replace(
        described,
        version=hashlib.sha256(content).hexdigest()[:12],
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
