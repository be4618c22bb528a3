"""Stand-in for examples-helloworld-v1 and -v2: ``GET /hello`` says which version answers."""

from __future__ import annotations

from aiohttp import web

from .runtime import Identity, application, serve


def build(identity: Identity) -> web.Application:
    """The application; it answers for *identity*."""

    async def hello(_unused: web.Request) -> web.Response:
        return web.Response(text=identity.greeting() + "\n")

    app = application(identity)
    app.router.add_get("/hello", hello)
    return app


if __name__ == "__main__":
    serve(build(Identity.from_env("helloworld")))
