"""Stands in for a language model: answers word by word, as it thinks of them.

    rabbit-rpc server llm --stream -- python3 language_model.py
    rabbit-rpc client llm --stream "Why is the sky blue?"

The question is on stdin. What is written and flushed is an item of the stream;
when the caller leaves, the program is ended.
"""
import sys
import time

question = sys.stdin.read().strip()
print(f"You asked: {question}", flush=True)
for word in "Because air scatters blue light more than red.".split(" "):
    time.sleep(0.1)
    print(word, end="\n" if word.endswith(".") else " ", flush=True)
