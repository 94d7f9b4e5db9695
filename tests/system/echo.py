"""Services that answer what reached them, so that tests see what the gateway let through. Of several processes of one
service (`custody-2`) each names the service.

`python -m tests.system.echo SOCKET...` listens on all of them.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn

Message = dict[str, Any]


def app_for(name: str) -> Any:
    """An ASGI application that names itself."""

    async def app(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            return
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        query = scope["query_string"].decode()
        if query.startswith("wait="):
            await asyncio.sleep(float(query.removeprefix("wait=")))
        seen = {
            "service": name,
            "method": scope["method"],
            "path": scope["path"],
            "size": size,
            "headers": {key.decode(): value.decode("latin-1") for key, value in scope["headers"]},
            "padding": "madera " * 200,
        }
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(seen).encode()})

    return app


async def main() -> None:
    """Serve until killed."""
    servers = []
    for path in sys.argv[1:]:
        config = uvicorn.Config(
            app_for(Path(path).stem.partition("-")[0]),
            uds=path,
            log_level="warning",
            lifespan="off",
            timeout_keep_alive=75,
        )
        server = uvicorn.Server(config)
        servers.append(server.serve())
    await asyncio.gather(*servers)


if __name__ == "__main__":
    asyncio.run(main())
