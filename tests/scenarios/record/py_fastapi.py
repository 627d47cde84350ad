"""One FastAPI service of the recordings, run under opentelemetry-instrument: calls after its answer, and several at once."""
import asyncio
import json
import os

import httpx
import uvicorn
from fastapi import BackgroundTasks, FastAPI, Request

config = json.loads(os.environ["CONFIG"])
app = FastAPI()


async def call(url, authorization):
    async with httpx.AsyncClient() as client:
        await client.get(url, headers={"authorization": authorization} if authorization else {})


@app.get("/background")
async def background(request: Request, tasks: BackgroundTasks):
    """The receipt is sent after the answer, and its task is not given the token."""
    tasks.add_task(call, config["next"] + "/receipt", None)
    return "soon"


@app.get("/background-kept")
async def background_kept(request: Request, tasks: BackgroundTasks):
    tasks.add_task(call, config["next"] + "/receipt", request.headers.get("authorization"))
    return "soon"


@app.get("/gather")
async def gather(request: Request):
    """Three calls at once, one of them built without the header."""
    authorization = request.headers.get("authorization")
    await asyncio.gather(*(call(config["next"] + path, token) for path, token in (("/a", authorization), ("/b", None), ("/c", authorization))))
    return "done"


@app.get("/detached")
async def detached(request: Request):
    """A task that nobody waits for: the answer is out before the call begins."""
    async def later():
        await asyncio.sleep(0.2)
        await call(config["next"] + "/receipt", request.headers.get("authorization"))
    request.app.state.task = asyncio.create_task(later())
    return "soon"


uvicorn.run(app, host="127.0.0.1", port=config["port"], log_level="warning")
