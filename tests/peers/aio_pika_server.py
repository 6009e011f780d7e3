"""An RPC server on aio-pika, after its version of RabbitMQ's tutorial six.

usage: aio_pika_server.py URL QUEUE [--durable]
"""
import asyncio
import sys

from aio_pika import Message, connect


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


async def main(url, queue_name, durable):
    connection = await connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=1)
        exchange = channel.default_exchange
        queue = await channel.declare_queue(queue_name, durable=durable)
        async with queue.iterator() as requests:
            print(" [x] Awaiting RPC requests", flush=True)
            async for message in requests:
                async with message.process(requeue=False):
                    n = int(message.body)
                    print(f" [.] fib({n})", flush=True)
                    reply = Message(
                        str(fib(n)).encode(), correlation_id=message.correlation_id
                    )
                    await exchange.publish(reply, routing_key=message.reply_to)


asyncio.run(main(*sys.argv[1:3], "--durable" in sys.argv))
