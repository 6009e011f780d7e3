"""RabbitMQ's tutorials one to seven in aio-pika, each checking what it gets.

usage: aio_pika_tutorials.py URL
"""
import asyncio
import sys
import uuid

import aio_pika
from aio_pika import DeliveryMode, ExchangeType, Message


async def take(queue, count):
    """The first messages of a queue, as (routing key, body)."""
    seen = []
    async with queue.iterator() as messages:
        async for message in messages:
            async with message.process():
                seen.append((message.routing_key, message.body))
            if len(seen) == count:
                break
    return seen


async def one_hello(channel):
    queue = await channel.declare_queue("aio_hello", durable=True, auto_delete=True)
    await channel.default_exchange.publish(Message(b"Hello World!"), routing_key=queue.name)
    assert await take(queue, 1) == [("aio_hello", b"Hello World!")]


async def two_work_queues(channel):
    queue = await channel.declare_queue("aio_tasks", durable=True)
    for i in range(4):
        task = Message(b"%d" % i, delivery_mode=DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(task, routing_key=queue.name)
    await channel.set_qos(prefetch_count=1)
    assert [body for _, body in await take(queue, 4)] == [b"0", b"1", b"2", b"3"]
    await queue.delete()


async def bound(channel, exchange, *keys):
    queue = await channel.declare_queue(exclusive=True)
    for key in keys:
        await queue.bind(exchange, routing_key=key)
    return queue


async def three_publish_subscribe(channel):
    logs = await channel.declare_exchange("aio_logs", ExchangeType.FANOUT, auto_delete=True)
    queues = [await bound(channel, logs, "") for _ in range(2)]
    await logs.publish(Message(b"info"), routing_key="any")
    for queue in queues:
        assert await take(queue, 1) == [("any", b"info")]


async def four_routing(channel):
    logs = await channel.declare_exchange("aio_direct", ExchangeType.DIRECT, auto_delete=True)
    queue = await bound(channel, logs, "error", "warning")
    for severity in ("info", "warning", "error"):
        await logs.publish(Message(b"x"), routing_key=severity, mandatory=False)
    assert [key for key, _ in await take(queue, 2)] == ["warning", "error"]


async def five_topics(channel):
    logs = await channel.declare_exchange("aio_topic", ExchangeType.TOPIC, auto_delete=True)
    queue = await bound(channel, logs, "*.critical", "kern.#")
    for key in ("cron.critical", "kern", "cron.info", "kern.a.b"):
        await logs.publish(Message(b"x"), routing_key=key, mandatory=False)
    assert [key for key, _ in await take(queue, 3)] == ["cron.critical", "kern", "kern.a.b"]


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


async def serve(channel, queue):
    async with queue.iterator() as requests:
        async for request in requests:
            async with request.process():
                reply = Message(b"%d" % fib(int(request.body)),
                                correlation_id=request.correlation_id)
                await channel.default_exchange.publish(reply, routing_key=request.reply_to)


async def six_rpc(channel):
    requests = await channel.declare_queue("aio_rpc", durable=True, auto_delete=True)
    server = asyncio.create_task(serve(channel, requests))
    callback = await channel.declare_queue(exclusive=True)
    futures = {}

    async def on_reply(message):
        futures[message.correlation_id].set_result(int(message.body))

    await callback.consume(on_reply, no_ack=True)

    async def call(n):
        key = str(uuid.uuid4())
        futures[key] = asyncio.get_running_loop().create_future()
        request = Message(b"%d" % n, correlation_id=key, reply_to=callback.name)
        await channel.default_exchange.publish(request, routing_key="aio_rpc")
        return await futures[key]

    answers = await asyncio.gather(*(call(n) for n in (1, 10, 15)))
    assert answers == [1, 55, 610], answers
    server.cancel()
    await asyncio.gather(server, return_exceptions=True)


async def seven_confirms(channel):
    queue = await channel.declare_queue(exclusive=True)
    for i in range(20):
        await channel.default_exchange.publish(Message(b"%d" % i), routing_key=queue.name)
    again = await channel.declare_queue(queue.name, passive=True)
    assert again.declaration_result.message_count == 20
    try:
        await channel.default_exchange.publish(Message(b""), routing_key="aio_nowhere")
    except aio_pika.exceptions.DeliveryError:
        return
    raise AssertionError("an unroutable message was not returned")


async def main():
    for tutorial in (one_hello, two_work_queues, three_publish_subscribe, four_routing,
                     five_topics, six_rpc, seven_confirms):
        connection = await aio_pika.connect(sys.argv[1])
        async with connection:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            await asyncio.wait_for(tutorial(channel), 10)
        print("ok", tutorial.__name__, flush=True)


asyncio.run(main())
