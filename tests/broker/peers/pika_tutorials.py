"""RabbitMQ's tutorials one to seven in pika, each checking what it gets.

usage: pika_tutorials.py URL
"""
import sys
import threading
import uuid

import pika

PARAMETERS = pika.URLParameters(sys.argv[1])


def connect():
    connection = pika.BlockingConnection(PARAMETERS)
    return connection, connection.channel()


def take(channel, queue, count, auto_ack=True, ack=False):
    """The first messages of a queue, as (routing key, body)."""
    seen = []
    for method, _, body in channel.consume(queue, auto_ack=auto_ack, inactivity_timeout=5):
        assert method is not None, f"only {seen} of {count} came"
        if ack:
            channel.basic_ack(method.delivery_tag)
        seen.append((method.routing_key, body))
        if len(seen) == count:
            break
    channel.cancel()
    return seen


def one_hello():
    connection, channel = connect()
    channel.queue_declare("pika_hello", durable=True, auto_delete=True)
    channel.basic_publish(exchange="", routing_key="pika_hello", body=b"Hello World!")
    assert take(channel, "pika_hello", 1) == [("pika_hello", b"Hello World!")]
    connection.close()


def two_work_queues():
    connection, channel = connect()
    channel.queue_declare("pika_tasks", durable=True)
    durable = pika.BasicProperties(delivery_mode=2)
    for i in range(4):
        channel.basic_publish("", "pika_tasks", f"task {i}".encode(), durable)
    workers = [connect() for _ in range(2)]
    shares = []
    for _, work in workers:
        work.queue_declare("pika_tasks", durable=True)
        work.basic_qos(prefetch_count=1)
        shares += take(work, "pika_tasks", 2, auto_ack=False, ack=True)
    assert sorted(body for _, body in shares) == [f"task {i}".encode() for i in range(4)]
    channel.queue_delete("pika_tasks")
    for each, _ in workers:
        each.close()
    connection.close()


def bound(channel, exchange, *keys):
    queue = channel.queue_declare("", exclusive=True).method.queue
    for key in keys:
        channel.queue_bind(queue, exchange, key)
    return queue


def three_publish_subscribe():
    connection, channel = connect()
    channel.exchange_declare("pika_logs", "fanout", auto_delete=True)
    queues = [bound(channel, "pika_logs", "") for _ in range(2)]
    channel.basic_publish("pika_logs", "", b"info: Hello")
    for queue in queues:
        assert take(channel, queue, 1) == [("", b"info: Hello")]
    connection.close()


def four_routing():
    connection, channel = connect()
    channel.exchange_declare("pika_direct", "direct", auto_delete=True)
    some = bound(channel, "pika_direct", "error")
    every = bound(channel, "pika_direct", "info", "error")
    for severity in ("info", "error", "debug"):
        channel.basic_publish("pika_direct", severity, severity.encode())
    assert take(channel, some, 1) == [("error", b"error")]
    assert take(channel, every, 2) == [("info", b"info"), ("error", b"error")]
    connection.close()


def five_topics():
    connection, channel = connect()
    channel.exchange_declare("pika_topic", "topic", auto_delete=True)
    kernel = bound(channel, "pika_topic", "kern.*")
    critical = bound(channel, "pika_topic", "*.critical")
    every = bound(channel, "pika_topic", "#")
    for key in ("kern.info", "kern.critical", "cron.critical"):
        channel.basic_publish("pika_topic", key, b"")
    keys = lambda queue, n: [key for key, _ in take(channel, queue, n)]
    assert keys(kernel, 2) == ["kern.info", "kern.critical"]
    assert keys(critical, 2) == ["kern.critical", "cron.critical"]
    assert len(keys(every, 3)) == 3
    connection.close()


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def serve(ready, calls):
    connection, channel = connect()
    channel.queue_declare("pika_rpc", durable=True, auto_delete=True)
    channel.basic_qos(prefetch_count=1)
    left = calls

    def on_request(ch, method, props, body):
        nonlocal left
        reply = pika.BasicProperties(correlation_id=props.correlation_id)
        ch.basic_publish("", props.reply_to, str(fib(int(body))).encode(), reply)
        ch.basic_ack(method.delivery_tag)
        left -= 1
        if left == 0:
            ch.stop_consuming()

    channel.basic_consume("pika_rpc", on_request)
    ready.set()
    channel.start_consuming()
    connection.close()


def six_rpc():
    ready = threading.Event()
    server = threading.Thread(target=serve, args=(ready, 3), daemon=True)
    server.start()
    assert ready.wait(5)
    connection, channel = connect()
    queue = channel.queue_declare("", exclusive=True).method.queue
    replies = {}

    def on_reply(ch, method, props, body):
        replies[props.correlation_id] = int(body)

    channel.basic_consume(queue, on_reply, auto_ack=True)
    wanted = {}
    for n in (1, 10, 15):
        wanted[str(uuid.uuid4())] = fib(n)
        props = pika.BasicProperties(reply_to=queue, correlation_id=list(wanted)[-1])
        channel.basic_publish("", "pika_rpc", str(n).encode(), props)
    while len(replies) < 3:
        connection.process_data_events(time_limit=1)
    assert replies == wanted
    connection.close()
    server.join(5)
    assert not server.is_alive()


def seven_confirms():
    connection, channel = connect()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.confirm_delivery()
    for i in range(20):
        channel.basic_publish("", queue, str(i).encode(), mandatory=True)
    assert channel.queue_declare(queue, passive=True).method.message_count == 20
    try:
        channel.basic_publish("", "pika_nowhere", b"", mandatory=True)
    except pika.exceptions.UnroutableError:
        pass
    else:
        raise AssertionError("an unroutable message was not returned")
    connection.close()


for tutorial in (one_hello, two_work_queues, three_publish_subscribe, four_routing,
                 five_topics, six_rpc, seven_confirms):
    tutorial()
    print("ok", tutorial.__name__, flush=True)
