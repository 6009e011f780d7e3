"""Reads a stream with pika: a line for each item.

usage: stream_client.py URL QUEUE BODY
"""
import sys
import uuid

import pika

WINDOW = 100
url, queue, body = sys.argv[1:4]
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
callback = channel.queue_declare(queue="", exclusive=True).method.queue
call = str(uuid.uuid4())
request = pika.BasicProperties(
    reply_to=callback, correlation_id=call, headers={"rpc-stream": WINDOW}
)
channel.basic_publish("", queue, body, request)
run, control = None, None
for method, reply, item in channel.consume(callback, auto_ack=True):
    headers = reply.headers or {}
    if "rpc-run" in headers:
        run, control = headers["rpc-run"], reply.reply_to
    if reply.type == "end":
        break
    if reply.type == "error":
        sys.exit(item.decode())
    if reply.type != "alive":
        print(item.decode(), flush=True)
    read = headers.get("rpc-seq", 0) + 1
    if control and read % (WINDOW // 2) == 0:
        more = {"rpc-run": run, "rpc-credit": read + WINDOW}
        credit = pika.BasicProperties(
            type="credit", correlation_id=call, headers=more
        )
        channel.basic_publish("", control, b"", credit)
connection.close()
