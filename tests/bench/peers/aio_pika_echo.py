"""RPC echo on aio-pika.

usage: aio_pika_echo.py version | server URL QUEUE | client URL QUEUE

A client reads loads from stdin and prints what came of them: see ../load.ts.
"""
import asyncio
import json
import platform
import sys
import time
import uuid

import aio_pika
from figures import report

PREFETCH = 256


async def serve(url, queue_name):
    connection = await aio_pika.connect(url)
    # Waiting for confirms, the default, would make it slower still.
    channel = await connection.channel(publisher_confirms=False)
    await channel.set_qos(prefetch_count=PREFETCH)
    queue = await channel.declare_queue(queue_name, durable=True)

    async def on_request(request):
        reply = aio_pika.Message(request.body, correlation_id=request.correlation_id)
        await channel.default_exchange.publish(
            reply, routing_key=request.reply_to, mandatory=False
        )
        await request.ack()

    await queue.consume(on_request)
    await asyncio.Event().wait()


class Client:
    """Some tasks, each of which makes one call after the other."""

    async def connect(self, url, queue_name):
        self.queue_name = queue_name
        self.replies = {}
        connection = await aio_pika.connect(url)
        self.channel = await connection.channel(publisher_confirms=False)
        self.callback_queue = await self.channel.declare_queue(exclusive=True)
        await self.callback_queue.consume(self.on_reply, no_ack=True)

    async def on_reply(self, reply):
        self.replies.pop(reply.correlation_id).set_result(reply.body)

    async def call(self, body):
        correlation_id = str(uuid.uuid4())
        reply = asyncio.get_running_loop().create_future()
        self.replies[correlation_id] = reply
        request = aio_pika.Message(
            body, reply_to=self.callback_queue.name, correlation_id=correlation_id
        )
        await self.channel.default_exchange.publish(
            request, routing_key=self.queue_name, mandatory=False
        )
        return await reply

    async def run(self, calls, seconds, concurrency, body):
        request, latencies = body.encode(), []
        started = time.perf_counter()
        turns = iter(range(calls))

        async def caller():
            for _ in turns:
                sent_at = time.perf_counter()
                if sent_at >= started + seconds:
                    return
                assert await self.call(request) == request
                latencies.append(time.perf_counter() - sent_at)

        await asyncio.gather(*(caller() for _ in range(concurrency)))
        return latencies, time.perf_counter() - started


async def run_loads(url, queue_name):
    client = Client()
    await client.connect(url, queue_name)
    # In a thread of its own: heartbeats go on while it waits.
    while line := await asyncio.to_thread(sys.stdin.readline):
        report(*await client.run(**json.loads(line)))


if sys.argv[1] == "version":
    print(f"aio-pika {aio_pika.__version__}, Python {platform.python_version()}")
elif sys.argv[1] == "server":
    asyncio.run(serve(*sys.argv[2:]))
else:
    asyncio.run(run_loads(*sys.argv[2:]))
