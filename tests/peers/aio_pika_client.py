"""An RPC client on aio-pika, after its version of RabbitMQ's tutorial six.

usage: aio_pika_client.py URL QUEUE N [--robust]    prints the reply alone

With --robust the connection is one that reconnects. Such a connection names
its callback queue by itself instead of leaving that to the broker.
"""
import asyncio
import sys
import uuid

from aio_pika import Message, connect, connect_robust


class FibonacciClient:
    def __init__(self, queue_name):
        self.queue_name = queue_name
        self.futures = {}

    async def start(self, connection):
        self.channel = await connection.channel()
        self.callback_queue = await self.channel.declare_queue(exclusive=True)
        await self.callback_queue.consume(self.on_reply, no_ack=True)

    async def on_reply(self, message):
        future = self.futures.pop(message.correlation_id, None)
        if future is not None:
            future.set_result(message.body)

    async def call(self, n):
        correlation_id = str(uuid.uuid4())
        future = asyncio.get_running_loop().create_future()
        self.futures[correlation_id] = future
        request = Message(
            str(n).encode(),
            content_type="text/plain",
            correlation_id=correlation_id,
            reply_to=self.callback_queue.name,
        )
        await self.channel.default_exchange.publish(request, routing_key=self.queue_name)
        return await future


async def main(url, queue_name, n, robust):
    connection = await (connect_robust if robust else connect)(url)
    async with connection:
        client = FibonacciClient(queue_name)
        await client.start(connection)
        print((await client.call(n)).decode())


asyncio.run(main(*sys.argv[1:4], "--robust" in sys.argv))
