"""What pages with forms share: the words, the day and hour in Peru, the fields as they came, papers as answers."""

from datetime import date, datetime
from functools import partial

from starlette.datastructures import FormData
from starlette.responses import Response

from services.portal.figures import LIMA
from services.portal.naming import Say
from services.portal.pages.house import House


def say_of(house: House) -> Say:
    """The words in the language of the page."""
    return partial(house.pages.text, house.language)


def now() -> datetime:
    """This moment in Peru."""
    return datetime.now(LIMA)


def today() -> date:
    """This day in Peru."""
    return now().date()


def fields_of(form: FormData) -> dict[str, str]:
    """The fields of a form that are text."""
    return {name: value for name, value in form.items() if isinstance(value, str)}


def pdf(data: bytes, name: str) -> Response:
    """A paper, shown by the browser and kept by nobody on the way."""
    headers = {"content-disposition": f'inline; filename="{name}"', "cache-control": "private, no-store"}
    return Response(data, media_type="application/pdf", headers=headers)
