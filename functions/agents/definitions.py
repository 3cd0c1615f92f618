"""How a definition comes about: partial answers filled from the industry, merge patches, one strict check."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, get_args

from pydantic import ValidationError, create_model

from functions.agents import industries, offers
from functions.agents.models import Definition, Part
from functions.shared.errors import Invalid
from functions.shared.http import Body
from functions.shared.http.reading import invalid

UNNAMED = "Assistant"
"""What an agent without a name is called in a preview."""


def _partial(model: type[Part], name: str, base: type[Body] = Body) -> type[Body]:
    """The same fields, each of them optional and nullable, so that a wizard's page or a merge patch fits."""
    fields: dict[str, Any] = {}
    for field, info in model.model_fields.items():
        annotation: Any = info.annotation
        # A part may itself be optional: `Part | None`.
        for one in (annotation, *get_args(annotation)):
            if isinstance(one, type) and issubclass(one, Part):
                annotation = _partial(one, f"{one.__name__}Answers")
        for constraint in info.metadata:
            annotation = Annotated[annotation, constraint]
        fields[field] = (annotation | None, None)
    return create_model(name, __base__=base, __doc__=model.__doc__, **fields)


if TYPE_CHECKING:
    _Answers = Body
else:
    _Answers = _partial(Definition, "DefinitionAnswers")


class Answers(_Answers):
    """Any part of a definition. Null means: as if it had not been answered."""

    def given(self) -> dict[str, Any]:
        """What was sent, nulls included, as JSON values."""
        return self.model_dump(mode="json", exclude_unset=True)


def merged(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """JSON merge patch (RFC 7396): objects are merged, null takes away, everything else (lists too) is replaced."""
    result = dict(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def completed(answers: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Answers with the gaps filled: by the industry, and the model by this installation's default."""
    industry = industries.known(str(answers.get("industry") or industries.GENERAL))
    provider, _, model = offers.default_model(now).partition("/")
    base: dict[str, Any] = industry.defaults() if industry is not None else {}
    chosen = answers.get("model")
    if not (isinstance(chosen, Mapping) and (chosen.get("id") or chosen.get("provider"))):
        base["model"] = {"provider": provider, "id": model}
    return merged(base, answers)


def checked(values: Any, now: datetime, prefix: str = "") -> Definition:
    """The definition that these JSON values are. Raises Invalid with a pointer for each fault below `prefix`.

    Nothing is guessed ("1" is no number), the industry must exist, and catalogue and price book must know the model.
    """
    definition = formed(values, prefix)
    if industries.known(definition.industry) is None:
        message = "There is no such industry. GET /api/industries lists them."
        raise Invalid(errors=[{"pointer": f"{prefix}/industry", "message": message}])
    offers.check(definition.model, now, prefix)
    return definition


def formed(values: Any, prefix: str = "") -> Definition:
    """As `checked`, by form alone."""
    try:
        text = json.dumps(values, allow_nan=False)
    except ValueError:
        message = "Numbers are finite."
        raise Invalid(errors=[{"pointer": prefix or "/", "message": message}]) from None
    try:
        return Definition.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise invalid(error, prefix) from None


def stored(definition: Definition) -> dict[str, Any]:
    """The definition as documents and files hold it: JSON values, every field there."""
    return definition.model_dump(mode="json")
