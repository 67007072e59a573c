# SPDX-License-Identifier: Apache-2.0
"""The health endpoint that teams write by hand: at each request it asks PostgreSQL and Redis.
The addresses are in HX_POSTGRES and HX_REDIS; run by uvicorn with one worker."""
import asyncio
import os

import asyncpg
import redis.asyncio
from fastapi import FastAPI, Response

app = FastAPI()


@app.on_event("startup")
async def connect():
    app.state.pool = await asyncpg.create_pool(os.environ["HX_POSTGRES"], min_size=4, max_size=16)
    app.state.redis = redis.asyncio.Redis.from_url(os.environ["HX_REDIS"])


async def ask_postgres():
    async with app.state.pool.acquire() as connection:
        return await connection.fetchval("SELECT 1") == 1


async def ask_redis():
    return await app.state.redis.ping()


@app.get("/health/ready")
async def ready(response: Response):
    results = await asyncio.gather(ask_postgres(), ask_redis(), return_exceptions=True)
    checks = {name: "up" if result is True else "down"
              for name, result in zip(("database", "cache"), results)}
    if "down" in checks.values():
        response.status_code = 503
    return {"status": "up" if response.status_code != 503 else "down", "checks": checks}
