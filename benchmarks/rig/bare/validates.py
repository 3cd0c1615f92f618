"""What any function with validated answers costs at least: hello world, said by a pydantic model."""

import flask
import functions_framework
from pydantic import BaseModel


class Greeting(BaseModel):
    """The answer."""

    text: str


@functions_framework.http
def validates(request: flask.Request) -> str:
    """Answers at once."""
    return Greeting(text="Hello, world").model_dump_json()
