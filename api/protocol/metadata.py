from api.model.description import Description, Feature, Output
from api.protocol.messages import MetadataTensor, ModelMetadata

ROWS = -1


def describe(description: Description, versions: list[str]) -> ModelMetadata:
    """Tell a model's description in the protocol's terms.

    The protocol allows parameters that are strings, numbers or booleans, so nested facts get dotted names: `accuracy`,
    `recall.setosa`, `score.r2`, `trained_with.numpy`. On a tensor, `class.0` is the name of class 0, `category.0` the
    first text that it may hold, and `below.ACCEPT` the probability where the band ACCEPT ends.
    """
    metrics = description.metrics
    parameters: dict[str, str | float | bool] = {
        "version": description.version,
        "title": description.title,
        "created": description.created,
        "training_rows": metrics.training_rows,
        "held_out_rows": metrics.held_out_rows,
    }
    if metrics.accuracy is not None:
        parameters["accuracy"] = metrics.accuracy
    parameters |= {f"score.{name}": value for name, value in metrics.scores.items()}
    for name, measured in metrics.by_class.items():
        parameters |= {f"precision.{name}": measured.precision, f"recall.{name}": measured.recall}
    parameters |= {f"setting.{name}": value for name, value in description.parameters.items()}
    parameters |= {f"trained_with.{name}": version for name, version in description.libraries.items()}
    return ModelMetadata(
        name=description.name,
        versions=versions,
        platform=description.platform,
        inputs=[MetadataTensor(f.name, f.datatype, [ROWS], _input(f)) for f in description.features],
        outputs=[MetadataTensor(o.name, o.datatype, [ROWS], _output(o)) for o in description.outputs],
        parameters=parameters,
    )


def _input(feature: Feature) -> dict[str, str | float | bool]:
    unit: dict[str, str | float | bool] = {"unit": feature.unit} if feature.unit else {}
    return unit | {f"category.{index}": category for index, category in enumerate(feature.categories)}


def _output(output: Output) -> dict[str, str | float | bool]:
    parameters: dict[str, str | float | bool] = {f"class.{c.value}": c.name for c in output.classes}
    return parameters | {f"below.{band.name}": band.below for band in output.bands if band.below is not None}
