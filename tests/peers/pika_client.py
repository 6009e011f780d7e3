"""An RPC client on pika's BlockingConnection, after RabbitMQ's tutorial six.

usage: pika_client.py URL QUEUE N    prints the reply alone
"""
import sys
import uuid

import pika


class FibonacciClient:
    def __init__(self, url, queue):
        self.queue = queue
        self.replies = {}
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel = self.connection.channel()
        declared = self.channel.queue_declare(queue="", exclusive=True)
        self.callback_queue = declared.method.queue
        self.channel.basic_consume(
            queue=self.callback_queue,
            on_message_callback=self.on_reply,
            auto_ack=True,
        )

    def on_reply(self, channel, method, properties, body):
        self.replies[properties.correlation_id] = body

    def call(self, n):
        correlation_id = str(uuid.uuid4())
        self.channel.basic_publish(
            exchange="",
            routing_key=self.queue,
            properties=pika.BasicProperties(
                reply_to=self.callback_queue, correlation_id=correlation_id
            ),
            body=str(n),
        )
        while correlation_id not in self.replies:
            self.connection.process_data_events(time_limit=None)
        return self.replies.pop(correlation_id)


url, queue, n = sys.argv[1:4]
client = FibonacciClient(url, queue)
print(client.call(n).decode())
client.connection.close()
