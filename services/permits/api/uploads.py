"""A file in a request: the body itself under its type, or the only file of a browser's form."""

from collections.abc import Callable, Collection
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from shared.refusal import Refusal

MULTIPART = "multipart/form-data"
Refuse = Callable[[str, str], Refusal]


def openapi_of(types: Collection[str]) -> dict[str, Any]:
    """What an operation that takes such a file says of its body."""
    part = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in types}
    return {"requestBody": {"required": True, "content": content | {MULTIPART: {"schema": part}}}}


async def file_of(
    request: Request, types: Collection[str], type_of: Callable[[bytes], str], refuse: Refuse
) -> tuple[bytes, str]:
    """Content and type. What a browser says of a file's type depends on the programs installed beside it; the first
    bytes do not, so the type of a form's file is theirs."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in types:
        return await request.body(), kind
    if kind != MULTIPART:
        listed = ", ".join(types)
        raise refuse(f"send {listed} or {MULTIPART}", f"envíe {listed} o {MULTIPART}")
    await request.body()
    try:
        async with request.form(max_files=1, max_fields=4) as form:
            parts = [part for part in form.values() if isinstance(part, UploadFile)]
            if len(parts) != 1:
                raise refuse("send one file in the part named file", "envíe un archivo en la parte file")
            data = await parts[0].read()
    except HTTPException as error:
        raise refuse(f"the form could not be read: {error.detail}"[:200], "el formulario no se pudo leer") from error
    return data, type_of(data)
