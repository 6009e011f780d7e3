"""A Python program that answers requests, started once and kept.

    rabbit-rpc server shouts --exec-lines -- python3 python_child.py
    rabbit-rpc client shouts hello

It reads a request a line, and writes an answer a line, in any order. What is
slow to load, a model for example, is loaded before the loop.
"""
import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    answer = {"id": request["id"]}
    if "body" in request:
        answer["body"] = request["body"].upper()
    else:
        answer["error"] = {"code": "invalid_argument", "detail": "want a text"}
    print(json.dumps(answer), flush=True)
