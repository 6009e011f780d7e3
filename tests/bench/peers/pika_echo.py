"""RPC echo on pika's BlockingConnection, in the manner of RabbitMQ's tutorial.

usage: pika_echo.py version | server URL QUEUE | client URL QUEUE

A client reads loads from stdin and prints what came of them: see ../load.ts.
"""
import json
import platform
import sys
import time
import uuid

import pika
from figures import report

PREFETCH = 256


def connect(url):
    parameters = pika.URLParameters(url)
    # A blocking connection hears no heartbeat while it awaits its next load.
    parameters.heartbeat = 0
    return pika.BlockingConnection(parameters)


def serve(url, queue):
    def on_request(channel, method, properties, body):
        channel.basic_publish(
            "",
            properties.reply_to,
            body,
            pika.BasicProperties(correlation_id=properties.correlation_id),
        )
        channel.basic_ack(method.delivery_tag)

    channel = connect(url).channel()
    channel.queue_declare(queue, durable=True)
    channel.basic_qos(prefetch_count=PREFETCH)
    channel.basic_consume(queue, on_request)
    channel.start_consuming()


class Client:
    """Keeps requests in flight: each reply is followed by the next request."""

    def __init__(self, url, queue):
        self.queue = queue
        self.connection = connect(url)
        self.channel = self.connection.channel()
        self.callback_queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.basic_consume(self.callback_queue, self.on_reply, auto_ack=True)
        self.sent_at = {}

    def run(self, calls, seconds, concurrency, body):
        self.body, self.latencies = body.encode(), []
        started = time.perf_counter()
        self.ends_at, self.left = started + seconds, calls
        for _ in range(concurrency):
            self.send()
        while self.sent_at:
            self.connection.process_data_events(time_limit=None)
        return self.latencies, time.perf_counter() - started

    def send(self):
        now = time.perf_counter()
        if self.left == 0 or now >= self.ends_at:
            return
        self.left -= 1
        correlation_id = str(uuid.uuid4())
        self.sent_at[correlation_id] = now
        properties = pika.BasicProperties(
            reply_to=self.callback_queue, correlation_id=correlation_id
        )
        self.channel.basic_publish("", self.queue, self.body, properties)

    def on_reply(self, _channel, _method, properties, body):
        assert body == self.body
        sent_at = self.sent_at.pop(properties.correlation_id)
        self.latencies.append(time.perf_counter() - sent_at)
        self.send()


if sys.argv[1] == "version":
    print(f"pika {pika.__version__}, Python {platform.python_version()}")
elif sys.argv[1] == "server":
    serve(*sys.argv[2:])
else:
    client = Client(*sys.argv[2:])
    for line in sys.stdin:
        report(*client.run(**json.loads(line)))
